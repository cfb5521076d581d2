package web_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/cmd/rtmpserver/internal/web"
	"github.com/go-librtmp/rtmp/server"
)

// network is the network between a browser and a page whose player has one shorter timeout. The others keep their values, since a busy
// machine may reach short ones where nothing is wrong. The test decides how the first response with media is carried.
type network struct {
	t     *testing.T
	page  http.Handler
	short [2]string    // a declaration of the player, and what replaces it
	mute  bool         // nothing of the response is carried
	lost  atomic.Bool  // nothing more of the response is carried, but its connection stays open
	way   sync.Mutex   // held while the response is delayed
	asked atomic.Int32 // number of requests for media
}

func (n *network) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/player.js":
		original := httptest.NewRecorder()
		n.page.ServeHTTP(original, r)
		assert.Contains(n.t, original.Body.String(), n.short[0])
		script := strings.Replace(original.Body.String(), n.short[0], n.short[1], 1)
		maps.Copy(w.Header(), original.Header())
		w.Header().Set("Content-Length", strconv.Itoa(len(script)))
		w.Write([]byte(script))
		return
	case strings.HasPrefix(r.URL.Path, "/fmp4/") && n.asked.Add(1) == 1:
		if n.mute {
			<-r.Context().Done()
			return
		}
		w = &carried{w, n}
	}
	n.page.ServeHTTP(w, r)
}

// carried is a response on its way.
type carried struct {
	http.ResponseWriter
	by *network
}

func (c *carried) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *carried) Write(b []byte) (int, error) {
	c.by.way.Lock()
	defer c.by.way.Unlock()
	if c.by.lost.Load() {
		return len(b), nil
	}
	return c.ResponseWriter.Write(b)
}

// networkTests are the tests of connections that fail without an error.
func networkTests(t *testing.T, ctx context.Context) {
	start := func(t *testing.T, n *network) *tab {
		t.Parallel()
		srv := new(server.Server)
		n.t, n.page = t, web.New(web.Options{Server: srv})
		s := serve(t, srv, "", n)
		s.ffmpeg(t, "live/x", "320x180")
		assert.Eventually(t, func() bool { // so that the first request need not wait for media
			live := s.list(t).Live
			return len(live) == 1 && live[0].Video != nil && live[0].Audio != nil
		}, patience, tick)
		return open(t, ctx, s.url+"/more/#live/live%2Fx")
	}
	t.Run("goes on after a connection is lost", func(t *testing.T) {
		n := &network{short: [2]string{"const silence = 15000;", "const silence = 6000;"}}
		tab := start(t, n)
		tab.plays()
		n.lost.Store(true)
		assert.Eventually(t, func() bool { return n.asked.Load() > 1 }, patience, tick, "the page asks again")
		tab.plays()
	})
	t.Run("goes on after a request is lost", func(t *testing.T) {
		n := &network{mute: true, short: [2]string{"const answer = 60000;", "const answer = 3000;"}}
		start(t, n).plays()
		assert.GreaterOrEqual(t, n.asked.Load(), int32(2))
	})
	t.Run("buffers more after a stall, and less after a calm time", func(t *testing.T) {
		n := &network{short: [2]string{"const calm = 60000;", "const calm = 1500;"}}
		tab := start(t, n)
		tab.plays()
		eval[any](tab, `import("./player.js").then(({ Player }) => {
			const figures = Player.prototype.figures;
			Player.prototype.figures = function () { window.watched = this; return figures.call(this); };
		})`)
		tab.until(`window.watched?.session.behind === 0.8`)
		eval[any](tab, `{
			let behind = 0.8;
			window.most = 0;
			Object.defineProperty(window.watched.session, "behind", { get: () => behind, set: (v) => window.most = Math.max(window.most, behind = v) });
		}`)
		asked := n.asked.Load()
		n.way.Lock()
		goOn := sync.OnceFunc(n.way.Unlock)
		defer goOn()
		tab.until(`document.querySelector("#player").dataset.state === "stalled"`)
		goOn()
		tab.until(`window.most > 1.1`)
		tab.until(`window.watched.session.behind === 0.8`)
		assert.Equal(t, asked, n.asked.Load(), "on the same connection")
	})
}
