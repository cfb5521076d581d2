package web_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/server"
)

// TestBrowser contains all tests that need a browser.
func TestBrowser(t *testing.T) {
	ctx := browser(t)
	modules := npm(t)
	t.Run("plays by keyboard", func(t *testing.T) {
		t.Parallel()
		s := serve(t, new(server.Server), "")
		s.ffmpeg(t, "live/stage", "320x180")
		tab := open(t, ctx, s.url)
		tab.until(card("live/stage") + ` !== undefined`)
		for range 5 { // other elements may get the focus first
			if tab.press(kb.Tab); eval[bool](tab, `document.activeElement === `+card("live/stage")) {
				break
			}
		}
		tab.press(kb.Enter)
		tab.plays()
		tab.until(`document.querySelector("#player").dataset.state === "playing"`)
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
		t.Parallel()
		s := serve(t, &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Takeover: server.TakeAlways}}}}, "")
		s.ffmpeg(t, "live/x", "320x180", "-profile:v", "baseline")
		tab := open(t, ctx, s.url+"/#live/live%2Fx")
		tab.plays()
		s.ffmpeg(t, "live/x", "426x240", "-profile:v", "baseline") // the codec stays the same, but the size changes
		tab.until(`document.querySelector("video").videoWidth === 426`)
		tab.plays()
		s.ffmpeg(t, "live/x", "640x360", "-profile:v", "high", "-an") // the codecs parameter changes, and there is no audio any more
		tab.until(`document.querySelector("video").videoWidth === 640`)
		tab.plays()
	})
	t.Run("goes on when the publisher comes back", func(t *testing.T) {
		t.Parallel()
		s := serve(t, &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Linger: -1}}}}, "")
		tab := open(t, ctx, s.url+"/#live/live%2Fx")
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
	t.Run("AV1 and Opus", func(t *testing.T) {
		t.Parallel()
		s := serve(t, new(server.Server), "")
		s.publish(t, "live/x", av1, opus)
		tab := open(t, ctx, s.url+"/#live/live%2Fx")
		tab.plays()
		tab.until(`document.querySelector("#sound").textContent.startsWith("Opus")`)
	})
	t.Run("codecs that can't be played", func(t *testing.T) {
		t.Parallel()
		s := serve(t, &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Linger: -1}}}}, "")
		stop := s.publish(t, "live/x", h265)
		tab := open(t, ctx, s.url+"/#live/live%2Fx")
		if eval[bool](tab, `MediaSource.isTypeSupported('video/mp4; codecs="hvc1.1.6.L60.90"')`) {
			tab.plays() // the browser can decode this
		} else {
			tab.until(`document.querySelector("#message").textContent === "This browser can't play H.265."`)
			assert.Equal(t, "failed", eval[string](tab, `document.querySelector("#player").dataset.state`))
		}
		stop()
		s.ffmpeg(t, "live/x", "320x180", "-c:v", "flv", "-c:a", "adpcm_swf")
		tab.until(`document.querySelector("#message").textContent.startsWith("Browsers can't play Sorenson H.263")`)
	})
	t.Run("a codec that the list of streams does not have yet", func(t *testing.T) {
		t.Parallel()
		s := serve(t, new(server.Server), "")
		s.ffmpeg(t, "live/x", "320x180")
		tab := open(t, ctx, s.url)
		eval[any](tab, `{
			const ask = window.fetch;
			window.fetch = async (url, options) => {
				const response = await ask(url, options);
				if (url !== "api/streams") return response;
				const list = await response.json();
				for (const stream of list.live) delete stream.video;
				return new Response(JSON.stringify(list));
			};
			MediaSource.isTypeSupported = (type) => !type.includes("avc1");
		}`)
		tab.until(card("live/x") + `?.querySelector(".picture").textContent === "no picture"`)
		eval[any](tab, card("live/x")+`.click()`)
		tab.until(`document.querySelector("#message").textContent === "This browser can't play H.264."`)
	})
	t.Run("comes back after a codec that can't be played", func(t *testing.T) {
		t.Parallel()
		s := serve(t, &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Takeover: server.TakeAlways}}}}, "")
		s.ffmpeg(t, "live/x", "320x180", "-c:v", "flv")
		tab := open(t, ctx, s.url+"/#live/live%2Fx")
		tab.until(`document.querySelector("#player").dataset.state === "failed"`)
		s.ffmpeg(t, "live/x", "320x180")
		tab.plays()
	})
	t.Run("names are text", func(t *testing.T) {
		t.Parallel()
		s := serve(t, new(server.Server), "")
		tab := open(t, ctx, s.url)
		for _, name := range []string{`live/<img src=x onerror=window.hacked=1>`, `live/"><script>window.hacked=1</script>`, `live/a?b#c%2e%2e&d`,
			`javascript:window.hacked=1/x`, "live/\u202egpj.exe"} {
			stop := s.publish(t, name, h265)
			tab.until(card(name) + ` !== undefined`)
			eval[any](tab, card(name)+`.click()`)
			tab.until(`document.querySelector("#message").textContent.includes("H.265")`)
			assert.Equal(t, name, eval[string](tab, `document.querySelector("#playing").textContent`))
			stop()
		}
		assert.True(t, eval[bool](tab, `window.hacked === undefined`))
		assert.Zero(t, eval[int](tab, `document.querySelectorAll("main img, main script").length`))
	})
	t.Run("a recording, to the end and back", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		film(t, dir, "vod/film.flv", 15)
		s := serve(t, &server.Server{Apps: map[string]*server.App{"*": {Files: &server.Files{Dir: dir}}}}, dir)
		tab := open(t, ctx, s.url)
		tab.until(card("vod/film") + ` !== undefined`)
		assert.Equal(t, "00:15", eval[string](tab, card("vod/film")+`.querySelector(".duration").textContent`))
		eval[any](tab, card("vod/film")+`.click()`)
		tab.plays()
		assert.InDelta(t, 15, eval[float64](tab, `document.querySelector("video").duration`), 0.3)
		eval[any](tab, `document.querySelector("video").currentTime = 13.5`)
		tab.until(`document.querySelector("video").ended`)
		eval[any](tab, `{
			const video = document.querySelector("video");
			video.addEventListener("seeked", () => window.back = video.currentTime, { once: true });
			video.currentTime = 1;
			video.play();
		}`)
		tab.until(`window.back < 12`)
		tab.plays()
	})
	networkTests(t, ctx)
	t.Run("mpegts.js", func(t *testing.T) {
		t.Parallel()
		s := serve(t, new(server.Server), "", mpegts(modules()))
		s.ffmpeg(t, "live/x", "320x180")
		for _, scheme := range []string{"http", "ws"} {
			tab := open(t, ctx, s.url+"/more/mpegts?url="+url.QueryEscape(scheme+strings.TrimPrefix(s.url, "http")+"/flv/live/x.flv"))
			tab.plays()
		}
	})
}

// film writes a recording to a folder.
func film(t *testing.T, dir, name string, seconds int) {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	programtest.Run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=15", "-f", "lavfi", "-i", "sine", "-t", strconv.Itoa(seconds),
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-pix_fmt", "yuv420p", "-g", "30", "-c:a", "aac", path)
}
