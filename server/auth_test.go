package server_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

func credentials(scheme string) *server.Credentials {
	return &server.Credentials{Scheme: scheme, Password: func(ctx context.Context, user string) (string, bool) {
		return "secret", user == "alice"
	}}
}

func TestPublishersProveThemselves(t *testing.T) {
	for _, scheme := range []string{"adobe", "llnw"} {
		t.Run(scheme, func(t *testing.T) {
			users := make(chan string, 1)
			url := "rtmp://" + app(t, &server.App{Publishers: credentials(scheme), Publish: func(_ context.Context, r *server.Request) error {
				users <- r.User
				return nil
			}}) + "/live/x"
			for password, ok := range map[string]bool{"secret": true, "wrong": false} {
				c, err := rtmp.Dial(background(t), url, &rtmp.Options{Publish: true, PublishUser: "alice", PublishPassword: password})
				if !ok {
					assert.Error(t, err)
					continue
				}
				require.NoError(t, err)
				_, err = c.CreateStream(background(t), &rtmp.StreamOptions{Writable: true})
				require.NoError(t, err)
				assert.Equal(t, "alice", waitFor(t, "the user", users))
				require.NoError(t, c.Close())
			}
		})
	}
}

// TestCredentialsCanNotBeDodged checks a client that announces in connect that it will only play. It must not be able to publish without
// credentials.
func TestCredentialsCanNotBeDodged(t *testing.T) {
	p := newPeer(t, app(t, &server.App{Publishers: credentials("adobe"), Publish: func(context.Context, *server.Request) error {
		t.Error("the hook was called")
		return nil
	}}))
	p.connect("live")
	p.command(p.CreateStream(), "publish", 3, nil, "x", "live")
	assert.Equal(t, message.CodePublishDenied, p.status())
	p.alive()
	p = newPeer(t, app(t, &server.App{Publishers: credentials("adobe")}))
	cmd := p.connect("live", amf.Property{Name: "type", Value: "nonprivate"})
	assert.Contains(t, message.ParseStatus(cmd.Args).Description, "code=403 need auth; authmod=adobe")
	p.UntilGone()
}

func TestSecureToken(t *testing.T) {
	url := "rtmp://" + app(t, &server.App{Token: "foo#bar"}) + "/live/x"
	for token, ok := range map[string]bool{"foo#bar": true, "other": false, "": false} {
		c := dial(t, url, &rtmp.Options{Token: token, Live: true, Timeout: 5 * time.Second})
		_, err := c.CreateStream(background(t), nil)
		assert.Equal(t, ok, err == nil, "%v", err)
	}
}

func TestSWFVerification(t *testing.T) {
	hash := bytes.Repeat([]byte{7}, 32)
	url := "rtmp://" + app(t, &server.App{Player: &server.SWF{Hash: hash, Size: 4711}}) + "/live/x"
	c := dial(t, url, &rtmp.Options{SWFHash: hash, SWFSize: 4711, Live: true})
	_, err := c.CreateStream(background(t), nil)
	require.NoError(t, err)
	c = dial(t, url, &rtmp.Options{Live: true})
	_, err = c.CreateStream(background(t), nil)
	assert.ErrorContains(t, err, "verified")
	c, err = rtmp.Dial(background(t), url, &rtmp.Options{SWFHash: bytes.Repeat([]byte{8}, 32), SWFSize: 4711, Live: true})
	if err == nil {
		_, err = c.CreateStream(background(t), nil)
		c.Close()
	}
	assert.Error(t, err)
}

func TestSharedObjects(t *testing.T) {
	dir := t.TempDir()
	s := &server.Server{Apps: map[string]*server.App{"*": {Shared: &server.SharedPolicy{Dir: dir, MaxObjects: 2, MaxSize: 1000,
		Write: func(c *server.Conn, name string) error {
			if name == "locked" {
				return server.Deny("read only")
			}
			return nil
		}}}}}
	addr := start(t, s)
	user := func(app, name string) (*rtmp.Conn, *rtmp.SharedObject) {
		c := dial(t, "rtmp://"+addr+"/"+app, &rtmp.Options{BackgroundRead: true})
		o, err := c.SharedObject(background(t), name, true)
		require.NoError(t, err)
		return c, o
	}
	c1, one := user("room", "score")
	c2, two := user("room", "score")
	_, elsewhere := user("other", "score")
	require.NoError(t, one.Set(background(t), "points", 42))
	eventually(t, "the change", func() bool { v, _ := two.Get("points"); return v == 42.0 })
	_, found := elsewhere.Get("points")
	assert.False(t, found)
	c1.Close()
	c2.Close()
	eventually(t, "both have left", func() bool { return len(s.Conns()) == 1 })
	eventually(t, "kept in a file", func() bool {
		_, again := user("room", "score")
		v, _ := again.Get("points")
		return v == 42.0
	})
}

// TestRefusedClientsAreLogged checks that the log names every reason for which a client was refused, and does not count the steps of a
// successful authentication among them.
func TestRefusedClientsAreLogged(t *testing.T) {
	log := new(logs)
	addr := start(t, &server.Server{Logger: log.logger(), Apps: map[string]*server.App{
		"auth": {Publishers: credentials("adobe")},
		"swf":  {Player: &server.SWF{Hash: bytes.Repeat([]byte{7}, 32), Size: 4711}},
	}})
	const refused = "level=INFO msg=\"rtmp: connect refused\""
	publisher := &rtmp.Options{Publish: true, PublishUser: "alice", PublishPassword: "secret"}
	dial(t, "rtmp://"+addr+"/auth/x", publisher)
	assert.NotContains(t, log.String(), refused)
	for _, wrong := range []struct{ user, password, reason string }{{"alice", "wrong", "authfailed"}, {"bob", "secret", "nosuchuser"}} {
		publisher.PublishUser, publisher.PublishPassword = wrong.user, wrong.password
		_, err := rtmp.Dial(background(t), "rtmp://"+addr+"/auth/x", publisher)
		require.Error(t, err)
		assert.Regexp(t, refused+".*reason="+wrong.reason, log.String())
		assert.NotContains(t, log.String(), wrong.password)
	}
	_, err := rtmp.Dial(background(t), "rtmp://"+addr+"/none/x", nil)
	require.Error(t, err)
	assert.Regexp(t, refused+".*no such application", log.String())

	c, err := rtmp.Dial(background(t), "rtmp://"+addr+"/swf/x", &rtmp.Options{SWFHash: bytes.Repeat([]byte{8}, 32), SWFSize: 4711, Live: true})
	if err == nil {
		_, err = c.CreateStream(background(t), nil)
		c.Close()
	}
	require.Error(t, err)
	assert.Regexp(t, `level=INFO msg="rtmp: player refused".*another player`, log.String())
}
