package rtmp

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func TestRedirect(t *testing.T) {
	target := rtmptest.Server(t, testserver.Config{Apps: []string{"there/inst"}})
	to := "rtmp://" + target.Addr() + "/there/inst"
	rejection := append(message.StatusObject("error", "NetConnection.Connect.Rejected", "RTMP 302 Redirect"),
		amf.Property{Name: "ex", Value: amf.Object{{Name: "code", Value: 302.0}, {Name: "redirect", Value: to}}})
	first := func() string {
		s := rtmptest.Server(t, testserver.Config{Refuse: func(message.Command) amf.Object { return rejection }})
		return s.URL("here", "sample")
	}
	t.Run("followed", func(t *testing.T) {
		file, err := download(conntest.Context(t), first(), &Options{MaxRedirects: 1}, nil)
		require.NoError(t, err)
		assert.Equal(t, testserver.Sample, file)
	})
	t.Run("told by onStatus, as SRS does", func(t *testing.T) {
		url := newPeer(t, func(p *peer) {
			p.Expect("connect")
			p.Call(0, "onStatus", 0, nil, rejection)
			p.UntilGone()
		})
		file, err := download(conntest.Context(t), url+" playpath=sample", &Options{MaxRedirects: 1}, nil)
		require.NoError(t, err)
		assert.Equal(t, testserver.Sample, file)
	})
	t.Run("not asked for", func(t *testing.T) {
		_, err := Dial(conntest.Context(t), first(), nil)
		var refused *StatusError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, "NetConnection.Connect.Rejected", refused.Code)
	})
	t.Run("for ever", func(t *testing.T) {
		again := rejection
		url := ""
		s := rtmptest.Server(t, testserver.Config{Refuse: func(message.Command) amf.Object {
			again[3].Value.(amf.Object)[1].Value = url
			return again
		}})
		url = s.URL("here", "")
		_, err := Dial(conntest.Context(t), s.URL("here", "sample"), &Options{MaxRedirects: 3})
		require.ErrorContains(t, err, "more than 3 times")
	})
	t.Run("to nowhere", func(t *testing.T) {
		url := newPeer(t, func(p *peer) {
			cmd := p.Expect("connect")
			p.Call(0, "_error", cmd.TransactionID, nil, append(rejection[:3:3], amf.Property{Name: "ex",
				Value: amf.Object{{Name: "code", Value: 302.0}, {Name: "redirect", Value: "ftp://elsewhere/"}}}))
			p.UntilGone()
		})
		_, err := Dial(conntest.Context(t), url, &Options{MaxRedirects: 3})
		require.ErrorContains(t, err, "redirect")
		var refused *StatusError
		require.ErrorAs(t, err, &refused, "the server has refused after all")
		require.False(t, errors.Is(err, io.EOF))
	})
}

// TestRedirectNamesTheServer checks that an error after a redirect says which server it is about, without secrets.
func TestRedirectNamesTheServer(t *testing.T) {
	unused := "127.0.0.1:" + conntest.UnusedPort(t)
	refusing := rtmptest.Server(t, testserver.Config{Apps: []string{"other"}})
	for _, test := range []struct{ name, addr, text string }{
		{"no server", unused, "dial tcp"},
		{"not RTMP", conntest.Serve(t, func(nc net.Conn) { nc.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }), "handshake: read S0: peer answered"},
		{"refused", refusing.Addr(), "server: NetConnection.Connect."},
	} {
		t.Run(test.name, func(t *testing.T) {
			first := rtmptest.Server(t, testserver.Config{Refuse: func(message.Command) amf.Object {
				return redirection302("rtmp://user:secret@" + test.addr + "/there?token=secret")
			}})
			for _, redirects := range []int{1, 5} {
				_, err := Dial(conntest.Context(t), first.URL("here", "sample"), &Options{MaxRedirects: redirects})
				require.ErrorContains(t, err, "rtmp: connect (redirected to rtmp://"+test.addr+"/there): "+test.text)
				assert.NotContains(t, err.Error(), "secret")
			}
		})
	}
}

func redirection302(to string) amf.Object {
	return append(message.StatusObject("error", "NetConnection.Connect.Rejected", "elsewhere"),
		amf.Property{Name: "ex", Value: amf.Object{{Name: "code", Value: 302.0}, {Name: "redirect", Value: to}}})
}

// hidden hides the type of a connection, which then looks like a tunnel rather than a plain socket.
type hidden struct{ net.Conn }

// TestRedirectWhileRepliesWait checks that unsent messages of an abandoned connection do not delay the next one.
func TestRedirectWhileRepliesWait(t *testing.T) {
	target := newPeer(t, func(p *peer) { p.AcceptConnect(); p.UntilGone() })
	url := newPeer(t, func(p *peer) {
		cmd := p.Expect("connect")
		ping := p.Encode(peertest.Event(message.EventPingRequest, 1))
		o, err := session.Command(3, 0, &message.Command{Name: "_error", TransactionID: cmd.TransactionID,
			Args: []any{redirection302(target)}})
		assert.NoError(t, err)
		p.Conn.Write(append(ping, p.Encode(o)...))
		p.UntilGone()
	})
	done := make(chan error, 1)
	go func() {
		c, err := Dial(context.Background(), url, &Options{MaxRedirects: 1,
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				nc, err := new(net.Dialer).DialContext(ctx, network, addr)
				return hidden{nc}, err
			}})
		if err == nil {
			err = c.Close()
		}
		done <- err
	}()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(patience):
		require.FailNow(t, "Connect hangs")
	}
}

// TestRedirectWhileAHandlerRuns checks that the result of a handler is sent only on the connection on which the call arrived.
func TestRedirectWhileAHandlerRuns(t *testing.T) {
	first := make(chan string, 1)
	target := newPeer(t, func(p *peer) {
		if cmd := p.NextCommand(); cmd != nil {
			first <- cmd.Name
			p.Call(0, "_result", cmd.TransactionID, nil, message.StatusObject("status", "NetConnection.Connect.Success", ""))
		}
		p.UntilGone()
	})
	url := newPeer(t, func(p *peer) {
		cmd := p.Expect("connect")
		p.Call(0, "question", 9, nil)
		p.Call(0, "_error", cmd.TransactionID, nil, redirection302(target))
		p.UntilGone()
	})
	var c *Conn
	release, dials := make(chan struct{}), 0
	c, err := New(url, &Options{MaxRedirects: 1,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if dials++; dials == 2 {
				close(release)
				answered := make(chan struct{})
				c.core.events.queue.Run(0, func() { close(answered) }) // runs after the handler
				<-answered
			}
			return new(net.Dialer).DialContext(ctx, network, addr)
		}})
	require.NoError(t, err)
	defer c.Close()
	c.InvokeHandler("question", func(context.Context, []any) (any, error) { <-release; return "answer", nil })
	_, err = c.Connect(conntest.Context(t))
	require.NoError(t, err)
	assert.Equal(t, "connect", <-first)
	require.NoError(t, c.Err())
}

// TestRedirectKeepsSecrets checks that the address of a redirect that can't be followed, which may contain a token, is not in the error.
func TestRedirectKeepsSecrets(t *testing.T) {
	for _, to := range []string{"rtmp://h/%zz?token=secret", "rtmp://h\x01/a?token=secret", "rtmp://u:secret@h:99/%%",
		"rtmp://u:secret@h:x/a", "ftp://h/?token=secret", "secret"} {
		url := newPeer(t, func(p *peer) {
			cmd := p.Expect("connect")
			p.Call(0, "_error", cmd.TransactionID, nil, redirection302(to))
			p.UntilGone()
		})
		_, err := Dial(conntest.Context(t), url, &Options{MaxRedirects: 1})
		require.ErrorContains(t, err, "redirect: ")
		assert.NotContains(t, err.Error(), "secret")
	}
}

// TestRedirectCredentials checks that the credentials in the URL are used for another app on the same server, but not for another host or
// port.
func TestRedirectCredentials(t *testing.T) {
	elsewhere := newPeer(t, func(p *peer) { p.AcceptConnect(); p.UntilGone() })
	for to, user := range map[string]string{"": "me", "localhost": "", elsewhere: ""} {
		var url string
		url, _ = newPeers(t, func(p *peer) {
			cmd := p.Expect("connect")
			if to != elsewhere {
				to = strings.Replace(url, "127.0.0.1", cmp.Or(to, "127.0.0.1"), 1)
			}
			p.Call(0, "_error", cmd.TransactionID, nil, redirection302(to))
			p.UntilGone()
		}, func(p *peer) { p.AcceptConnect(); p.UntilGone() })
		c := dialed(t, strings.Replace(url, "rtmp://", "rtmp://me:secret@", 1), &Options{MaxRedirects: 1})
		got, _ := c.client.Load().credentials()
		assert.Equal(t, user, got, to)
	}
}
