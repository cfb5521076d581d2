// Package hooks reports to a web program what clients do, and asks it for permission, compatibly with SRS's HTTP
// callbacks.
package hooks

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/server"
)

// maxAnswer is the maximum length of an answer in bytes, and of its header.
const maxAnswer = 64 << 10

// maxConns is the number of simultaneous requests to a host. Further ones wait, within their Timeout.
const maxConns = 64

// Options configure a Client.
type Options struct {
	URLs     URLs
	Timeout  time.Duration // maximum wait for an answer
	Allow    bool          // allow if there is no answer
	ServerID string        // server_id, which identifies this server
	Logger   *slog.Logger
}

// URLs are the URLs for callbacks by action; "" is the default. Callbacks without a URL are not made, and the action
// is allowed.
type URLs map[string]string

var actions = []string{"on_connect", "on_close", "on_publish", "on_unpublish", "on_play", "on_stop", "on_dvr"}

// Add adds a URL for all callbacks, or, in the form on_publish=URL, for one of them.
func (u URLs) Add(text string) error {
	action, address, found := strings.Cut(text, "=")
	if !found || !strings.HasPrefix(action, "on_") {
		action, address = "", text
	} else if !slices.Contains(actions, action) {
		return fmt.Errorf("unknown callback: %q", action)
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return errors.New("not an HTTP URL")
	}
	u[action] = address
	return nil
}

// of returns the URL for an action, or "".
func (u URLs) of(action string) string {
	if own, ok := u[action]; ok {
		return own
	}
	return u[""]
}

// Client posts the callbacks of an application. A nil Client allows everything.
//
// An answer allows if its status is 200 and its body 0, or a JSON object whose code is 0. It refuses otherwise, unless its status is
// 500 or more: that counts as no answer.
type Client struct {
	options Options
	http    http.Client

	mu      sync.Mutex
	viewers map[*server.Request]string // client ids of HTTP viewers
	open    int                        // number of connections for which Disconnect is due, and of viewers for which Stop is due
	none    chan struct{}              // made by Wait; closed when open is 0
}

// New returns a Client.
func New(o Options) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxResponseHeaderBytes = maxAnswer
	transport.MaxConnsPerHost, transport.MaxIdleConnsPerHost = maxConns, maxConns
	return &Client{options: o, viewers: make(map[*server.Request]string), http: http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Connect is for App.Connect.
func (c *Client) Connect(ctx context.Context, conn *server.Conn) error {
	if c == nil {
		return nil
	}
	event := newEvent("on_connect", conn)
	page := connectText(conn, "pageUrl")
	event.PageURL = &page
	if err := c.ask(ctx, event); err != nil {
		return err
	}
	c.count(1)
	return nil
}

// Disconnect is for App.Disconnect.
func (c *Client) Disconnect(conn *server.Conn, _ error) {
	if c == nil {
		return
	}
	defer c.count(-1)
	stats := conn.Stats()
	event := newEvent("on_close", conn)
	event.SendBytes, event.RecvBytes = &stats.BytesOut, &stats.BytesIn
	c.tell(event)
}

// Publish is for App.Publish.
func (c *Client) Publish(ctx context.Context, r *server.Request) error {
	if c == nil {
		return nil
	}
	return c.ask(ctx, c.streamEvent("on_publish", r))
}

// Unpublish is for App.Unpublish.
func (c *Client) Unpublish(r *server.Request) {
	if c != nil {
		c.tell(c.streamEvent("on_unpublish", r))
	}
}

// Play is for App.Play.
func (c *Client) Play(ctx context.Context, r *server.Request) error {
	if c == nil {
		return nil
	}
	if r.Conn == nil {
		c.enter(r)
	}
	event, page := c.streamEvent("on_play", r), ""
	if r.Conn != nil {
		page = connectText(r.Conn, "pageUrl")
	} else if r.HTTP != nil {
		page = r.HTTP.Referer()
	}
	event.PageURL = &page
	err := c.ask(ctx, event)
	if err != nil && r.Conn == nil {
		c.leave(r)
	}
	return err
}

// Stop is for App.Stop.
func (c *Client) Stop(r *server.Request) {
	if c == nil {
		return
	}
	c.tell(c.streamEvent("on_stop", r))
	if r.Conn == nil {
		c.leave(r)
	}
}

// Done is for Files.Done, if the file exists. dir is the server's working directory.
func (c *Client) Done(r *server.Request, dir, file string) {
	if c == nil || file == "" {
		return
	}
	event := c.streamEvent("on_dvr", r)
	event.Dir, event.File = dir, file
	c.tell(event)
}

// enter assigns a viewer its client_id.
func (c *Client) enter(r *server.Request) {
	c.count(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.viewers[r] = rand.Text() // the ids of connections are numbers, so the two can't collide
}

func (c *Client) leave(r *server.Request) {
	c.mu.Lock()
	delete(c.viewers, r)
	c.mu.Unlock()
	c.count(-1)
}

// count adds n to open.
func (c *Client) count(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open += n; c.open == 0 && c.none != nil {
		close(c.none)
		c.none = nil
	}
}

// Wait waits until all callbacks have been made for the clients that have left. Call it after the server has been closed.
func (c *Client) Wait(ctx context.Context) error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	if c.open == 0 {
		c.mu.Unlock()
		return nil
	}
	if c.none == nil {
		c.none = make(chan struct{})
	}
	none := c.none
	c.mu.Unlock()
	select {
	case <-none:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask posts an event, and returns an error if the answer refuses.
func (c *Client) ask(ctx context.Context, e *event) error {
	err := c.post(ctx, e)
	var refused *refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		c.options.Logger.Info("hook refused", "action", e.Action, "client", e.ClientID, "answer", refused.answer)
		return new(server.Refusal)
	case ctx.Err() != nil: // the client has left
		return ctx.Err()
	case c.options.Allow:
		c.options.Logger.Warn("no answer from the hook: allowed", "action", e.Action, "client", e.ClientID, "error", quote.Cause(err))
		return nil
	}
	c.options.Logger.Warn("no answer from the hook: denied", "action", e.Action, "client", e.ClientID, "error", quote.Cause(err))
	return server.Deny("try again later")
}

// tell posts an event whose answer does not matter. It waits for the answer to keep events in order.
func (c *Client) tell(e *event) {
	if err := c.post(context.Background(), e); err != nil {
		c.options.Logger.Warn("hook failed", "action", e.Action, "client", e.ClientID, "error", quote.Cause(err))
	}
}

// refusal is an answer that refuses.
type refusal struct{ answer string }

func (r *refusal) Error() string { return r.answer }

// post posts an event. The error is a *refusal, or the reason why there is no answer.
func (c *Client) post(ctx context.Context, e *event) error {
	address := c.options.URLs.of(e.Action)
	if address == "" {
		return nil
	}
	e.ServerID = c.options.ServerID
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return withoutURL(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return withoutURL(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case response.StatusCode >= 500:
		return fmt.Errorf("status %d", response.StatusCode)
	case response.StatusCode != http.StatusOK:
		return &refusal{fmt.Sprintf("status %d", response.StatusCode)}
	case err != nil:
		return withoutURL(err)
	case len(answer) > maxAnswer:
		return &refusal{"too long"}
	case !allows(answer):
		return &refusal{"a code that is not 0"}
	}
	return nil
}

// allows reports whether the body of an answer is 0, or an object whose code is 0.
func allows(answer []byte) bool {
	text := strings.TrimSpace(string(answer))
	if text == "0" {
		return true
	}
	var object struct {
		Code *int `json:"code"`
	}
	return json.Unmarshal([]byte(text), &object) == nil && object.Code != nil && *object.Code == 0
}

// withoutURL returns http.Client's error without the URL, which may contain a secret.
func withoutURL(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
