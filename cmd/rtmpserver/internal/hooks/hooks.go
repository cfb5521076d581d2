// Package hooks reports the actions of clients to a web program, and asks it for permission. It is compatible with SRS's HTTP callbacks.
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
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/server"
)

// maxAnswer is the maximum size of an answer's body, and of its header, in bytes.
const maxAnswer = 64 << 10

// maxMessage is the length of the text of a refusal that a client gets, in bytes.
const maxMessage = 200

// maxConns is the maximum number of simultaneous requests to a host. Further requests wait, and the wait counts towards their Timeout.
const maxConns = 64

// Options configure a Client.
type Options struct {
	URLs     URLs
	Timeout  time.Duration // maximum wait for an answer
	Allow    bool          // allow the action if there is no answer
	ServerID string        // the field server_id, which identifies this server
	Logger   *slog.Logger
}

// URLs are the URLs for callbacks, by action. The URL for "" applies to all actions without a URL of their own. If no URL applies to an
// action, no callback is made, and the action is allowed.
type URLs map[string]string

var actions = []string{"on_connect", "on_close", "on_publish", "on_unpublish", "on_play", "on_stop", "on_dvr"}

// Add adds a URL for all actions, or, in the form on_publish=URL, for one of them.
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

// of returns the URL for an action, or "" if it has none.
func (u URLs) of(action string) string {
	if own, ok := u[action]; ok {
		return own
	}
	return u[""]
}

// Client posts the callbacks of an application. A nil Client allows everything.
//
// An answer allows an action if its status is 200 and its body is 0 or a JSON object whose code is 0. An answer with a status of 500
// or more counts as no answer. All other answers refuse the action.
type Client struct {
	options Options
	http    http.Client

	mu      sync.Mutex
	viewers map[*server.Request]string // client ids of HTTP viewers
	open    int                        // number of connections that need a call of Disconnect, and of viewers that need a call of Stop
	none    chan struct{}              // made by Wait, and closed when open is 0
}

// New returns a Client.
func New(o Options) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxResponseHeaderBytes = maxAnswer
	transport.MaxConnsPerHost, transport.MaxIdleConnsPerHost = maxConns, maxConns
	return &Client{options: o, viewers: make(map[*server.Request]string), http: http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Connect must be called by App.Connect.
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

// Disconnect must be called by App.Disconnect.
func (c *Client) Disconnect(conn *server.Conn, _ error) {
	if c == nil {
		return
	}
	defer c.count(-1)
	stats := conn.Stats()
	event := newEvent("on_close", conn)
	event.SendBytes, event.RecvBytes = &stats.BytesOut, &stats.BytesIn
	c.notify(event)
}

// Publish must be called by App.Publish.
func (c *Client) Publish(ctx context.Context, r *server.Request) error {
	if c == nil {
		return nil
	}
	return c.ask(ctx, c.streamEvent("on_publish", r))
}

// Unpublish must be called by App.Unpublish.
func (c *Client) Unpublish(r *server.Request) {
	if c != nil {
		c.notify(c.streamEvent("on_unpublish", r))
	}
}

// Play must be called by App.Play.
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

// Stop must be called by App.Stop.
func (c *Client) Stop(r *server.Request) {
	if c == nil {
		return
	}
	c.notify(c.streamEvent("on_stop", r))
	if r.Conn == nil {
		c.leave(r)
	}
}

// Done must be called by Files.Done, if the file exists. dir is the server's working directory.
func (c *Client) Done(r *server.Request, dir, file string) {
	if c == nil || file == "" {
		return
	}
	event := c.streamEvent("on_dvr", r)
	event.Dir, event.File = dir, file
	c.notify(event)
}

// enter assigns a viewer its client_id.
func (c *Client) enter(r *server.Request) {
	c.count(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.viewers[r] = rand.Text() // never equal to the id of a connection, which is a number
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

// ask posts an event, and returns an error if the action is refused.
func (c *Client) ask(ctx context.Context, e *event) error {
	err := c.post(ctx, e)
	var refused *refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		c.options.Logger.Info("hook refused", "action", e.Action, e.client(), "answer", refused.answer)
		return &server.Refusal{Description: quote.Text(refused.message, maxMessage)}
	case ctx.Err() != nil: // the client has left
		return ctx.Err()
	case c.options.Allow:
		c.options.Logger.Warn("no answer from the hook: allowed", "action", e.Action, e.client(), "error", quote.Cause(err))
		return nil
	}
	c.options.Logger.Warn("no answer from the hook: denied", "action", e.Action, e.client(), "error", quote.Cause(err))
	return server.Deny("try again later")
}

// notify posts an event that can't be refused. It waits for the answer, so that events stay in order.
func (c *Client) notify(e *event) {
	if err := c.post(context.Background(), e); err != nil {
		c.options.Logger.Warn("hook failed", "action", e.Action, e.client(), "error", quote.Cause(err))
	}
}

// refusal is the error for an answer that refuses an action.
type refusal struct {
	answer  string // for the log
	message string // msg of the answer, for the client; "" if there is none
}

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
		return &refusal{answer: fmt.Sprintf("status %d", response.StatusCode)}
	case err != nil:
		return withoutURL(err)
	case len(answer) > maxAnswer:
		return &refusal{answer: "too long"}
	}
	return check(answer)
}

// check returns nil if the body of an answer is 0, or an object whose code is 0, and otherwise a *refusal. Programs for SRS explain a
// refusal in the object's msg.
func check(answer []byte) error {
	var object struct {
		Code json.RawMessage `json:"code"`
		Msg  json.RawMessage `json:"msg"`
	}
	if text := strings.TrimSpace(string(answer)); json.Unmarshal(answer, &object) != nil {
		object.Code = json.RawMessage(text)
	}
	var message string
	json.Unmarshal(object.Msg, &message)
	reason := `neither 0 nor {"code":0}`
	if code, err := strconv.Atoi(string(object.Code)); err == nil {
		if code == 0 {
			return nil
		}
		reason = fmt.Sprintf("code %d", code)
	}
	if message != "" {
		reason += ": " + quote.Peer(message)
	}
	return &refusal{reason, message}
}

// withoutURL returns http.Client's error without the URL, which may contain a secret.
func withoutURL(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
