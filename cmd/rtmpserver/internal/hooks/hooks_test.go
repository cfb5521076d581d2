package hooks

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client returns a Client whose callbacks go to the handler answer, and its log.
func client(t *testing.T, o Options, answer http.HandlerFunc) (*Client, *bytes.Buffer) {
	t.Helper()
	backEnd := httptest.NewServer(answer)
	t.Cleanup(backEnd.Close)
	var log bytes.Buffer
	o.URLs, o.Logger = URLs{"": backEnd.URL + "/?secret=hidden"}, slog.New(slog.NewTextHandler(&log, nil))
	c := New(o)
	t.Cleanup(c.http.CloseIdleConnections)
	return c, &log
}

// TestAnswers checks which answers allow an action, and what happens if there is no answer.
func TestAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		status  int // 0 means no answer
		body    string
		down    bool // Options.Allow
		allowed bool
	}{
		"0":                  {200, " 0\n", false, true},
		"code 0":             {200, `{"code":0}`, false, true},
		"code 0, and more":   {200, `{"code": 0, "data": {"code": 1}}`, false, true},
		"another number":     {200, "1", true, false},
		"another code":       {200, `{"code":403}`, true, false},
		"a code as text":     {200, `{"code":"0"}`, true, false},
		"no code":            {200, `{}`, true, false},
		"null":               {200, `{"code":null}`, true, false},
		"nothing":            {200, "", true, false},
		"a page":             {200, "<html>0</html>", true, false},
		"another status":     {403, "0", true, false},
		"a redirect":         {302, "0", true, false},
		"fails, so deny":     {500, "0", false, false},
		"fails, so allow":    {503, "", true, true},
		"late, so deny":      {0, "", false, false},
		"late, so allow":     {0, "", true, true},
		"too long an answer": {200, "0" + strings.Repeat(" ", maxAnswer) + "1", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			over := make(chan struct{})
			o := Options{Timeout: 10 * time.Second, Allow: test.down}
			if test.status == 0 {
				o.Timeout = 50 * time.Millisecond
			}
			c, log := client(t, o, func(w http.ResponseWriter, r *http.Request) {
				if test.status == 0 {
					<-over
					return
				}
				w.Header().Set("Location", "/")
				w.WriteHeader(test.status)
				w.Write([]byte(test.body))
			})
			err := c.Publish(t.Context(), &server.Request{Path: "live/key", Name: "key"})
			close(over)
			if test.allowed {
				assert.NoError(t, err)
			} else {
				var refused *server.Refusal
				assert.ErrorAs(t, err, &refused)
				assert.NotContains(t, err.Error(), "refused: refused")
			}
			assert.NotContains(t, log.String(), "hidden")
			assert.NotContains(t, log.String(), "key")
		})
	}
}

// TestRefusalIsLogged checks that the log says why an action was refused, and to which client: with its number as in the server's log.
func TestRefusalIsLogged(t *testing.T) {
	for body, want := range map[string]string{`{"code":403}`: `answer="code 403"`, "7": `answer="code 7"`,
		"OK": `answer="neither 0 nor {\"code\":0}"`, `{"code":"0"}`: `answer="neither 0 nor`} {
		c, log := client(t, Options{Timeout: 10 * time.Second}, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(body)) })
		assert.Error(t, c.ask(t.Context(), &event{Action: "on_publish", ClientID: "17"}))
		assert.Contains(t, log.String(), want)
		assert.Contains(t, log.String(), "conn=17")
	}
}

// TestMessageOfARefusal checks that the client and the log get the text of a refusal, in one line, without control characters, and
// not more than 200 bytes of it.
func TestMessageOfARefusal(t *testing.T) {
	long := strings.Repeat("é", 20_000)
	for body, want := range map[string]struct{ description, log string }{
		`{"code":403,"msg":"your key was revoked"}`:   {"your key was revoked", `answer="code 403: \"your key was revoked\""`},
		`{"code":403,"msg":""}`:                       {"", `answer="code 403"`},
		`{"code":403,"msg":{"text":"x"}}`:             {"", `answer="code 403"`},
		`{"msg":"not now"}`:                           {"not now", `answer="neither 0 nor {\"code\":0}: \"not now\""`},
		`{"code":1,"msg":"a\nlevel=INFO \u001b[31m"}`: {`a\nlevel=INFO \x1b[31m`, `code 1: \"a\\nlevel=INFO \\x1b[31m\""`},
		`{"code":1,"msg":"` + long + `"}`:             {long[:200] + "...", long[:200] + `\"..."`},
	} {
		c, log := client(t, Options{Timeout: 10 * time.Second}, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(body)) })
		var refused *server.Refusal
		require.ErrorAs(t, c.ask(t.Context(), &event{Action: "on_publish", ClientID: "17"}), &refused)
		assert.Equal(t, want.description, refused.Description)
		assert.Contains(t, log.String(), want.log)
		assert.Less(t, log.Len(), 1000)
	}
}

// TestNoHTTP checks that an answer that is not HTTP is truncated in the log.
func TestNoHTTP(t *testing.T) {
	c, log := client(t, Options{Timeout: time.Minute}, func(w http.ResponseWriter, _ *http.Request) {
		nc, _, err := http.NewResponseController(w).Hijack()
		require.NoError(t, err)
		defer nc.Close()
		nc.Write([]byte("HTTP/1.1 200 OK\r\n" + strings.Repeat("\u009b", 20_000) + "\r\n\r\n"))
	})
	require.Error(t, c.Publish(t.Context(), new(server.Request)))
	assert.Contains(t, log.String(), "malformed")
	assert.Less(t, log.Len(), 1000)
	assert.NotContains(t, log.String(), "\u009b")
}

// TestWait checks that Wait waits until the current clients have left and their callbacks have been made.
func TestWait(t *testing.T) {
	told := make(chan struct{})
	c, _ := client(t, Options{Timeout: time.Minute}, func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		b.ReadFrom(r.Body)
		if strings.Contains(b.String(), "on_stop") {
			<-told
		}
		w.Write([]byte("0"))
	})
	viewer := &server.Request{Path: "live/x", Name: "x"}
	require.NoError(t, c.Wait(t.Context()), "nobody is there")
	require.NoError(t, c.Play(t.Context(), viewer))
	go c.Stop(viewer)
	waited := make(chan error, 1)
	go func() { waited <- c.Wait(t.Context()) }()
	select {
	case <-waited:
		t.Fatal("it has not waited")
	case told <- struct{}{}:
	}
	require.NoError(t, <-waited)
	assert.Empty(t, c.viewers)
}

// TestNone checks that a nil Client allows everything.
func TestNone(t *testing.T) {
	var c *Client
	r := &server.Request{}
	require.NoError(t, c.Connect(t.Context(), nil))
	require.NoError(t, c.Publish(t.Context(), r))
	require.NoError(t, c.Play(t.Context(), r))
	require.NoError(t, c.Wait(t.Context()))
	c.Unpublish(r)
	c.Stop(r)
	c.Done(r, "", "file")
	c.Disconnect(nil, nil)
}

// TestURLs checks that each callback may have its own URL.
func TestURLs(t *testing.T) {
	u := make(URLs)
	for _, text := range []string{"http://all/?a=b", "on_publish=https://own/?on_play=1"} {
		require.NoError(t, u.Add(text))
	}
	assert.Equal(t, "https://own/?on_play=1", u.of("on_publish"))
	assert.Equal(t, "http://all/?a=b", u.of("on_play"))
	for _, text := range []string{"", "h", "rtmp://h/", "http://", "on_hls=http://h/", "on_publish=h", "on_publish="} {
		assert.Error(t, u.Add(text), text)
	}
	delete(u, "")
	c := New(Options{URLs: u})
	assert.NoError(t, c.Play(t.Context(), &server.Request{}), "nobody is asked")
}
