package rtmp

import (
	"context"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"crypto/tls"
	"errors"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// announces contains the capsEx of a client that can follow a request to reconnect.
var announces = amf.Object{{Name: "capsEx", Value: float64(ExtReconnect)}}

// withSecrets returns options with a secret in every field that can contain one.
func withSecrets(o Options) *Options {
	o.Auth, o.Token, o.UsherToken = "secret-auth", "secret-token", "secret-usher"
	o.ConnectData = []any{"secret-ticket", amf.Object{{Name: "key", Value: "secret-member"}}}
	o.ConnectFields = append(o.ConnectFields, amf.Property{Name: "session", Value: "secret-field"})
	o.Subscribe = "play?key=secret-subscription"
	o.PageURL, o.SWFURL = "http://me:secret-page@page/?s=secret-page#secret-part", "http://secret-user@page/p.swf?s=secret-player#secret-part"
	return &o
}

// readCommands reads the commands that a client sends, up to play, and returns their bytes.
func (p *peer) readCommands(t *testing.T) string {
	cmd := p.Expect("connect")
	if cmd == nil {
		return ""
	}
	said, err := message.AppendCommand(nil, message.TypeCommandAMF0, cmd)
	assert.NoError(t, err)
	p.Call(0, "_result", cmd.TransactionID, nil, append(message.StatusObject("status", "NetConnection.Connect.Success", ""),
		amf.Property{Name: "secureToken", Value: "0123456789abcdef"}))
	for cmd.Name != "play" {
		body := p.ExpectType(message.TypeCommandAMF0)
		said = append(said, body...)
		got, err := message.ParseCommand(message.TypeCommandAMF0, body)
		if err != nil {
			break // the client has closed the connection
		}
		if cmd = &got; cmd.Name == "createStream" {
			p.Call(0, "_result", cmd.TransactionID, nil, 1.0)
		}
	}
	p.Status("NetStream.Play.Start")
	p.UntilGone()
	return string(said)
}

// TestRedirectStripsSecrets checks that credentials for one server are not sent to another. Another port counts as another server.
func TestRedirectStripsSecrets(t *testing.T) {
	said := make(chan string, 1)
	target := newPeer(t, func(p *peer) { said <- p.readCommands(t) })
	from := newPeer(t, func(p *peer) {
		cmd := p.Expect("connect")
		p.Call(0, "_error", cmd.TransactionID, nil, redirection302(target))
		p.UntilGone()
	})
	c := dialed(t, strings.Replace(from, "rtmp://", "rtmp://secret-user:secret-password@", 1)+"?key=secret-key",
		withSecrets(Options{MaxRedirects: 1}))
	s, err := c.CreateStream(conntest.Context(t), nil)
	require.NoError(t, err)
	assert.Equal(t, "play", s.name)
	require.NoError(t, c.Close())
	assert.NotContains(t, <-said, "secret")
}

// TestRedirectKeepsPublishersHere checks that a publisher, whose stream name is a key, is not redirected to another server.
func TestRedirectKeepsPublishersHere(t *testing.T) {
	target, connections := newPeers(t, func(p *peer) { p.AcceptConnect(); p.UntilGone() })
	for _, policy := range []ReconnectPolicy{FollowSameHost, FollowAny} {
		from := newPeer(t, func(p *peer) {
			cmd := p.Expect("connect")
			p.Call(0, "_error", cmd.TransactionID, nil, redirection302(target))
			p.UntilGone()
		})
		c, err := Dial(conntest.Context(t), from, &Options{Publish: true, MaxRedirects: 1, FollowReconnect: policy})
		if policy == FollowSameHost {
			require.ErrorContains(t, err, "the key")
			require.Zero(t, connections.Load())
			continue
		}
		require.NoError(t, err)
		require.NoError(t, c.Close())
	}
}

// fakeAddrConn is a connection that pretends to have another remote address.
type fakeAddrConn struct {
	net.Conn
	addr net.Addr
}

func (s fakeAddrConn) RemoteAddr() net.Addr { return s.addr }

// TestRedirectFromAPublicServer checks that a public server can't make the client connect to addresses, under any name, that only the
// client can reach.
func TestRedirectFromAPublicServer(t *testing.T) {
	for _, scheme := range []string{"rtmp", "rtmpt"} {
		for _, host := range []string{"127.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0", "localhost", "localhost.", "a.public.name"} {
			for _, policy := range []ReconnectPolicy{FollowSameHost, FollowAny} {
				target, connections := newPeers(t, func(p *peer) { p.AcceptConnect(); p.UntilGone() })
				to, err := url.Parse(target)
				require.NoError(t, err)
				from := newPeer(t, func(p *peer) {
					cmd := p.Expect("connect")
					p.Call(0, "_error", cmd.TransactionID, nil, redirection302(scheme+"://"+host+":"+to.Port()+"/app"))
					p.UntilGone()
				})
				first := true
				o := &Options{MaxRedirects: 1, FollowReconnect: policy, Timeout: patience,
					DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
						if first {
							first = false
							nc, err := new(net.Dialer).DialContext(ctx, network, addr)
							return fakeAddrConn{nc, &net.TCPAddr{IP: net.IPv4(203, 0, 113, 5), Port: 1935}}, err
						}
						return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+to.Port()) // the address to which the name resolves
					}}
				c, err := Dial(conntest.Context(t), from, o)
				if policy == FollowAny && scheme == "rtmp" {
					require.NoError(t, err, host)
					require.NoError(t, c.Close())
					continue
				}
				if policy == FollowAny {
					require.Error(t, err) // the client has connected, but no tunnel server listens there
					require.Positive(t, connections.Load())
					continue
				}
				var failed *HandshakeError
				require.ErrorAs(t, err, &failed, host)
				assert.Equal(t, "dial", failed.Stage, host)
				assert.ErrorContains(t, err, "is a loopback address", host)
				if host != "a.public.name" { // only DialContext can resolve this name; nothing is sent on that connection
					assert.Zero(t, connections.Load(), host)
				}
			}
		}
	}
}

// followed connects with secrets in the URL, and returns the results of Follow.
func followed(t *testing.T, o *Options, to string) (string, *Options, error) {
	at := newPeer(t, func(p *peer) { p.AcceptConnect(); p.UntilGone() })
	c := dialed(t, strings.Replace(at, "rtmp://", "rtmp://secret-user:secret-password@", 1)+"?key=secret-key", o)
	return c.Follow(to)
}

func TestFollow(t *testing.T) {
	announced := Options{ConnectFields: announces}
	t.Run("back to the same place", func(t *testing.T) {
		for _, to := range []string{"", "/app"} {
			url, o, err := followed(t, withSecrets(announced), to)
			require.NoError(t, err)
			c, err := New(url, o)
			require.NoError(t, err)
			assert.Equal(t, "play?key=secret-key", c.setup.playpath())
			assert.Equal(t, "app", c.setup.app())
			user, password := c.setup.credentials()
			assert.Equal(t, []string{"secret-user", "secret-password"}, []string{user, password})
			assert.Equal(t, "secret-auth", o.Auth)
		}
	})
	t.Run("to another app of the same server", func(t *testing.T) {
		url, o, err := followed(t, withSecrets(announced), "/other/instance?node=2")
		require.NoError(t, err)
		c, err := New(url, o)
		require.NoError(t, err)
		assert.Equal(t, "other/instance?node=2", c.setup.app())
		assert.Regexp(t, `^rtmp://127\.0\.0\.1:\d+/other/instance\?node=2$`, c.setup.tcURL())
		assert.Equal(t, "play?key=secret-key", c.setup.playpath())
		assert.Equal(t, "secret-auth", o.Auth)
	})
	t.Run("to another server, where that is allowed", func(t *testing.T) {
		o := announced
		o.FollowReconnect = FollowAny
		url, moved, err := followed(t, withSecrets(o), "rtmps://elsewhere.example/app")
		require.NoError(t, err)
		assert.Equal(t, "rtmps://elsewhere.example/", url)
		c, err := New(url, moved)
		require.NoError(t, err)
		assert.Equal(t, []string{"app", "play", "rtmps://elsewhere.example/app"}, []string{c.setup.app(), c.setup.playpath(), c.setup.tcURL()})
		user, _ := c.setup.credentials()
		assert.Empty(t, user)
		object := c.setup.connectObject("", true)
		text := amf.Object(append(object, amf.Property{Name: "rest", Value: moved.ConnectData}))
		body, err := amf.AppendAMF0(nil, text)
		require.NoError(t, err)
		assert.NotContains(t, string(body)+moved.Auth+moved.Token+moved.UsherToken+moved.Subscribe, "secret")
	})
	t.Run("refused", func(t *testing.T) {
		none, elsewhere := announced, announced
		none.FollowReconnect = FollowNone
		elsewhere.FollowReconnect = FollowAny
		for _, test := range []struct {
			o        Options
			to, text string
		}{
			{Options{}, "", "not announced"},
			{none, "", "don't allow"},
			{announced, "rtmp://127.0.0.1:1/app", "another host or port"},
			{announced, "//other.example/app", "another host or port"},
			{announced, "rtmpt://127.0.0.1:80/app", "another host or port"},
			{elsewhere, "http://elsewhere.example/secret", "unknown scheme"},
			{elsewhere, "rtmp://u:secret@%zz/", "invalid"},
		} {
			_, _, err := followed(t, &test.o, test.to)
			require.ErrorContains(t, err, test.text)
			assert.NotContains(t, err.Error(), "secret")
		}
		c, err := New("rtmp://127.0.0.1/app/play", &announced)
		require.NoError(t, err)
		_, _, err = c.Follow("")
		require.ErrorIs(t, err, ErrNotConnected)
	})
}

// TestFollowQuotesTheAddress checks that errors contain the address of a redirect in a quoted and shortened form.
func TestFollowQuotesTheAddress(t *testing.T) {
	long := strings.Repeat("9", 100_000)
	url := newPeer(t, func(p *peer) { p.AcceptConnect(); p.UntilGone() })
	c := dialed(t, url, &Options{ConnectFields: announces, FollowReconnect: FollowAny})
	for _, to := range []string{
		"rtmp://h:" + long + "x/", "rtmp://[::1]:" + long + "x/", "rtmp://" + long + "/", "rtmp://[" + long + "/", "rtmp://[::1%" + long + "/",
		"rtmp://[::1%25" + long + "%zz]/", "rtmp://" + long + "@@@h:x/", long + "://h/", "%" + long, "\x1b:" + long, "rtmp://h\x1b[2J/", "rtmp://h/\x1b\n" + long,
	} {
		_, _, err := c.Follow(to)
		if err != nil {
			assert.Less(t, len(err.Error()), 300, "%.100s", to)
			assert.NotContains(t, err.Error(), "\x1b", "%.100s", to)
		}
		from := newPeer(t, func(p *peer) {
			cmd := p.Expect("connect")
			p.Call(0, "_error", cmd.TransactionID, nil, redirection302(to))
			p.UntilGone()
		})
		_, err = Dial(t.Context(), from, &Options{MaxRedirects: 1, Timeout: time.Second, Proxy: "direct", DialContext: onlyLocal})
		require.Error(t, err)
		assert.Less(t, len(err.Error()), 700, "redirect: %.100s", to)
		assert.NotContains(t, err.Error(), "\x1b", "redirect: %.100s", to)
		assert.NotContains(t, err.Error(), "\n", "redirect: %.100s", to)
	}
}

// onlyLocal connects to addresses of this machine, and resolves no names.
func onlyLocal(ctx context.Context, network, addr string) (net.Conn, error) {
	if !strings.HasPrefix(addr, "127.0.0.1:") {
		return nil, errors.New("no such host")
	}
	return new(net.Dialer).DialContext(ctx, network, addr)
}

// TestPagesForOtherServers checks that PageURL and SWFURL are sent to other servers without user, password, query and fragment.
func TestPagesForOtherServers(t *testing.T) {
	for page, told := range map[string]string{
		"":                                 "",
		"http://page/@me/p.html":           "http://page/@me/p.html",
		"http://me:pw@page/p.html":         "http://page/p.html",
		"https://me:pw@page:8080#token":    "https://page:8080",
		"http://page/p.swf?token=pw#pw?pw": "http://page/p.swf",
		"http://page/p%20p.swf?":           "http://page/p%20p.swf",
		"http://me:p/w@page/":              "",
		"http://me:p?w@page/":              "",
		"p.swf#token":                      "p.swf",
	} {
		o := &Options{PageURL: page, SWFURL: page, Playpath: "a#b?token=pw", Subscribe: "a#b?token=pw"}
		o.forgetSecrets()
		assert.Equal(t, told, o.PageURL, page)
		assert.Equal(t, told, o.SWFURL, page)
		assert.Equal(t, []string{"a#b", "a#b"}, []string{o.Playpath, o.Subscribe}, "names, where # has no meaning")
	}
}

// TestFollowKeepsClientCertificates checks that client certificates are not sent to other servers, which are verified in the same way.
func TestFollowKeepsClientCertificates(t *testing.T) {
	identity := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return new(tls.Certificate), nil }
	cfg := &tls.Config{ServerName: "name", Certificates: make([]tls.Certificate, 1), GetClientCertificate: identity}
	o := Options{ConnectFields: announces, FollowReconnect: FollowAny, TLSConfig: cfg}
	_, same, err := followed(t, &o, "/other")
	require.NoError(t, err)
	assert.Same(t, cfg, same.TLSConfig)
	_, other, err := followed(t, &o, "rtmps://elsewhere.example/app")
	require.NoError(t, err)
	assert.Empty(t, other.TLSConfig.Certificates)
	assert.Nil(t, other.TLSConfig.GetClientCertificate)
	assert.Equal(t, "name", other.TLSConfig.ServerName)
	assert.Len(t, cfg.Certificates, 1, "the program's own")
	assert.NotNil(t, cfg.GetClientCertificate)
}
