package servertest_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
	"github.com/go-librtmp/rtmp/server/servertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func upload(url string, o *rtmp.Options) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c, err := rtmp.Dial(ctx, url, o)
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := c.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
	if err != nil {
		return err
	}
	if _, err := s.Write(testserver.Sample); err != nil {
		return err
	}
	return s.Close()
}

func sample(t *testing.T) []flv.Tag {
	all, err := testserver.Tags(testserver.Sample)
	require.NoError(t, err)
	return all
}

func TestPublished(t *testing.T) {
	dir := t.TempDir()
	srv := servertest.New(t, &server.App{Files: &server.Files{Dir: dir, Record: server.RecordAll}})
	require.NoError(t, upload(srv.URL("live/key"), &rtmp.Options{Publish: true}))
	want := sample(t)
	require.NoError(t, srv.Await(conntest.Context(t), "live/key", len(want)))
	assert.Equal(t, want, srv.Published("live/key"))
	assert.Empty(t, srv.Published("live/other"))
	require.Len(t, srv.Calls("publish"), 1)
	assert.Equal(t, []any{"key", "live"}, srv.Calls("publish")[0].Args)
	assert.Len(t, srv.Calls("connect"), 1)
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(dir, "live", "key.flv"))
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	assert.ErrorIs(t, srv.Await(ctx, "live/key", len(want)+1), context.DeadlineExceeded)
}

func TestPublishedAfterClose(t *testing.T) {
	want := len(sample(t))
	for range 50 {
		srv := servertest.New(t, nil)
		require.NoError(t, upload(srv.URL("live/key"), &rtmp.Options{Publish: true}))
		require.Len(t, srv.Published("live/key"), want)
		srv.Close()
	}
}

func TestTLS(t *testing.T) {
	srv := servertest.New(t, nil)
	require.NoError(t, upload(srv.TLSURL("live/key"), &rtmp.Options{Publish: true, TLSConfig: srv.ClientTLS()}))
	want := sample(t)
	require.NoError(t, srv.Await(conntest.Context(t), "live/key", len(want)))
	assert.Equal(t, want, srv.Published("live/key"))
	assert.Error(t, upload(srv.TLSURL("live/key"), &rtmp.Options{Publish: true}))
}

func TestRefuse(t *testing.T) {
	srv := servertest.New(t, nil)
	srv.Refuse(server.Deny("not today"))
	var refused *rtmp.StatusError
	require.ErrorAs(t, upload(srv.URL("live/key"), &rtmp.Options{Publish: true}), &refused)
	assert.Equal(t, message.CodeConnectRejected, refused.Code)
	require.NoError(t, upload(srv.URL("live/key"), &rtmp.Options{Publish: true}), "the next one is served")
}

func TestCutAfter(t *testing.T) {
	srv := servertest.New(t, nil)
	pub, err := srv.Server().Publish(conntest.Context(t), "live/key")
	require.NoError(t, err)
	_, err = pub.Write(testserver.Sample)
	require.NoError(t, err)
	srv.CutAfter(10000)
	c, err := rtmp.Dial(conntest.Context(t), srv.URL("live/key"), &rtmp.Options{Live: true})
	require.NoError(t, err)
	defer c.Close()
	s, err := c.CreateStream(conntest.Context(t), nil)
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, s)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Less(t, n, int64(10000))
}

func TestStall(t *testing.T) {
	srv := servertest.New(t, nil)
	srv.Stall()
	c, err := rtmp.Dial(conntest.Context(t), srv.URL("live/key"), &rtmp.Options{Live: true})
	require.NoError(t, err)
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	_, err = c.CreateStream(ctx, nil)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestCallsOfTheProgram(t *testing.T) {
	srv := servertest.New(t, &server.App{Methods: map[string]server.Method{"add": server.Func(func(a, b float64) float64 { return a + b })}})
	c, err := rtmp.Dial(conntest.Context(t), srv.URL("app"), nil)
	require.NoError(t, err)
	defer c.Close()
	v, err := c.RemoteMethod("add")(conntest.Context(t), 1, 2)
	require.NoError(t, err)
	assert.Equal(t, 3.0, v)
	require.Len(t, srv.Calls("add"), 1)
	assert.Equal(t, []any{1.0, 2.0}, srv.Calls("add")[0].Args)
}
