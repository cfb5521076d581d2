package web_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/cmd/rtmpserver/internal/web"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/server"
)

// patience is how long a test waits for something that should take a second or two.
const patience = 40 * time.Second

// tick is the interval at which a test looks whether something has happened.
const tick = 20 * time.Millisecond

// site is a server with its page, which can be reached over HTTP and RTMP.
type site struct {
	server *server.Server
	url    string
	rtmp   string
}

// serve serves s until the end of the test, with its page, FLVHandler under /flv/, and more under /more/.
func serve(t testing.TB, s *server.Server, dir string, more ...http.Handler) *site {
	t.Helper()
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.Addr = l.Addr().String()
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	mux := http.NewServeMux()
	mux.Handle("/", web.New(web.Options{Server: s, Dir: dir}))
	mux.Handle("/flv/", http.StripPrefix("/flv", s.FLVHandler()))
	for _, handler := range more {
		mux.Handle("/more/", http.StripPrefix("/more", handler))
	}
	w := httptest.NewServer(mux)
	t.Cleanup(func() {
		s.Close()
		require.ErrorIs(t, <-done, server.ErrServerClosed)
		w.Close()
	})
	return &site{server: s, url: w.URL, rtmp: "rtmp://" + s.Addr}
}

// ffmpeg publishes a test picture and a tone in H.264 and AAC until stop is called or the test ends.
func (s *site) ffmpeg(t testing.TB, path, size string, options ...string) (stop func()) {
	t.Helper()
	args := []string{"-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=rate=15:size=" + size, "-f", "lavfi", "-i", "sine=sample_rate=44100",
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", "15", "-c:a", "aac"}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "ffmpeg", append(append(args, options...), "-f", "flv", s.rtmp+"/"+path)...)
	require.NoError(t, cmd.Start())
	stop = sync.OnceFunc(func() {
		cancel()
		cmd.Wait() // ffmpeg was killed
	})
	t.Cleanup(stop)
	return stop
}

// browser starts Chromium and returns its context. Tabs are contexts made from it.
func browser(t *testing.T) context.Context {
	t.Helper()
	programtest.Need(t, "chromium", "ffmpeg")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"), chromedp.WindowSize(1280, 800),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.WSURLReadTimeout(time.Minute))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	t.Cleanup(func() { chromedp.Cancel(ctx) }) // the browser removes its files
	require.NoError(t, chromedp.Run(ctx))
	return ctx
}

// tab is a page in the browser.
type tab struct {
	t        *testing.T
	ctx      context.Context
	problems *problems
}

// problems collects exceptions of scripts and violations of the content security policy.
type problems struct {
	mu  sync.Mutex
	all []string
}

func (p *problems) add(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, text)
}

// open opens a page. The browser does not throttle the page when another one covers it. If there are problems at the end of the test, the
// test fails.
func open(t *testing.T, browser context.Context, url string) *tab {
	t.Helper()
	ctx, closed := chromedp.NewContext(browser)
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	found := new(problems)
	chromedp.ListenTarget(ctx, func(event any) {
		switch event := event.(type) {
		case *runtime.EventExceptionThrown:
			found.add(event.ExceptionDetails.Error())
		case *cdplog.EventEntryAdded:
			if event.Entry.Source == cdplog.SourceSecurity || event.Entry.Source == cdplog.SourceJavascript {
				found.add(event.Entry.Text)
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		closed()
		found.mu.Lock()
		defer found.mu.Unlock()
		assert.Empty(t, found.all)
	})
	require.NoError(t, chromedp.Run(ctx, cdplog.Enable(), emulation.SetFocusEmulationEnabled(true), chromedp.Navigate(url)))
	return &tab{t: t, ctx: ctx, problems: found}
}

// eval evaluates an expression.
func eval[T any](tab *tab, expression string) (v T) {
	tab.t.Helper()
	require.NoError(tab.t, chromedp.Run(tab.ctx, chromedp.Evaluate(expression, &v)), expression)
	return v
}

// until waits until an expression is true. The page evaluates it for each frame that it draws.
func (tab *tab) until(expression string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	err := chromedp.Run(ctx, chromedp.Evaluate(`(async () => { while (!(`+expression+`)) await new Promise(requestAnimationFrame) })()`, nil, awaitPromise))
	if err != nil {
		state := eval[string](tab, `document.body.innerText + [...document.querySelectorAll("video")].map((v) =>
			[v.currentTime, v.readyState, v.paused, v.buffered.length && v.buffered.end(0), v.error?.message].join(" ")).join()`)
		require.FailNow(tab.t, "it has not come true: "+expression, "%v: %s", err, state)
	}
}

func awaitPromise(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// press presses keys.
func (tab *tab) press(keys string) {
	tab.t.Helper()
	require.NoError(tab.t, chromedp.Run(tab.ctx, chromedp.KeyEvent(keys)))
}

// card returns an expression for the button of a stream.
func card(path string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".card")].find((c) => c.querySelector(".name").textContent === %q)`, path)
}

// plays waits until the video plays: its time must advance and its pictures must change.
func (tab *tab) plays() {
	tab.t.Helper()
	tab.until(`document.querySelector("video").readyState >= 3`)
	const picture = `(() => {
		const canvas = document.createElement("canvas");
		[canvas.width, canvas.height] = [64, 36];
		const context = canvas.getContext("2d");
		context.drawImage(document.querySelector("video"), 0, 0, 64, 36);
		return [...context.getImageData(0, 0, 64, 36).data].join();
	})()`
	at := eval[float64](tab, `document.querySelector("video").currentTime`)
	before := eval[string](tab, `window.seen = `+picture)
	assert.Greater(tab.t, len(strings.Split(before, ",")), 1000)
	tab.until(fmt.Sprintf(`document.querySelector("video").currentTime > %f || document.querySelector("video").currentTime < %f`, at+0.7, at-0.1))
	tab.until(picture + ` !== window.seen`) // on a busy machine, the pictures may come later than the time
}
