package web_test

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/server"
)

// All tests that need a browser, in one.
func TestBrowser(t *testing.T) {
	ctx := browser(t)
	t.Run("plays by keyboard", func(t *testing.T) {
		s := serve(t, new(server.Server), "")
		s.ffmpeg(t, "live/stage", "320x180")
		tab := open(t, ctx, s.url)
		tab.until(card("live/stage") + ` !== undefined`)
		for range 5 { // what can be focused before it is not the test's concern
			if tab.press(kb.Tab); eval[bool](tab, `document.activeElement === `+card("live/stage")) {
				break
			}
		}
		tab.press(kb.Enter)
		tab.plays()
		assert.Equal(t, "playing", eval[string](tab, `document.querySelector("#player").dataset.state`))
		tab.until(`/^H.264 · 320×180 · 1\d fps$/.test(document.querySelector("#picture").textContent)`)
		tab.until(`/^[0-3]\.\d s$/.test(document.querySelector("#delay").textContent)`)
		tab.until(card("live/stage") + `.querySelector(".viewers").textContent === "1 viewer"`)
		tab.until(card("live/stage") + `.querySelector(".line").getAttribute("d")?.includes("L")`)
		tab.press(kb.Escape)
		tab.until(`document.querySelector("#player").hidden`)
		assert.True(t, eval[bool](tab, `document.activeElement === `+card("live/stage")))
		tab.until(card("live/stage") + `.querySelector(".viewers").textContent === "0 viewers"`)
	})
	t.Run("goes on when the publisher is replaced", func(t *testing.T) {
		s := serve(t, &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Takeover: server.TakeAlways}}}}, "")
		s.ffmpeg(t, "live/x", "320x180", "-profile:v", "baseline")
		tab := open(t, ctx, s.url+"/#"+"live/live%2Fx")
		tab.plays()
		s.ffmpeg(t, "live/x", "426x240", "-profile:v", "baseline") // the same codec, another size
		tab.until(`document.querySelector("video").videoWidth === 426`)
		tab.plays()
		s.ffmpeg(t, "live/x", "640x360", "-profile:v", "high", "-an") // another codec for players, and no sound
		tab.until(`document.querySelector("video").videoWidth === 640`)
		tab.plays()
	})
	t.Run("goes on when the publisher comes back", func(t *testing.T) {
		s := serve(t, &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Linger: -1}}}}, "")
		tab := open(t, ctx, s.url+"/#"+"live/live%2Fx")
		tab.until(`document.querySelector("#message").textContent.startsWith("Waiting")`)
		stop := s.ffmpeg(t, "live/x", "320x180")
		tab.plays()
		stop()
		tab.until(`document.querySelector("#message").textContent.startsWith("Waiting")`)
		s.ffmpeg(t, "live/x", "426x240")
		tab.until(`document.querySelector("video").videoWidth === 426`)
		tab.plays()
		tab.until(`document.querySelector("#message").textContent === ""`)
	})
}
