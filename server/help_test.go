package server_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// patience is how long a test waits for something that should happen at once.
const patience = 20 * time.Second

func background(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// start serves s on the loopback interface until the end of the test, and returns the address.
func start(t testing.TB, s *server.Server) string {
	t.Helper()
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		require.ErrorIs(t, <-done, server.ErrServerClosed)
	})
	return l.Addr().String()
}

// app returns a Server with one App for all names.
func app(t testing.TB, a *server.App) string {
	t.Helper()
	return start(t, &server.Server{Apps: map[string]*server.App{"*": a}})
}

func dial(t testing.TB, url string, o *rtmp.Options) *rtmp.Conn {
	t.Helper()
	c, err := rtmp.Dial(background(t), url, o)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// publish connects and begins to publish.
func publish(t testing.TB, url string) (*rtmp.Conn, *rtmp.Stream) {
	t.Helper()
	c := dial(t, url, &rtmp.Options{Publish: true})
	s, err := c.CreateStream(background(t), &rtmp.StreamOptions{Writable: true})
	require.NoError(t, err)
	return c, s
}

// play connects and begins to play.
func play(t testing.TB, url string) (*rtmp.Conn, *rtmp.Stream) {
	t.Helper()
	c := dial(t, url, &rtmp.Options{Live: true})
	s, err := c.CreateStream(background(t), nil)
	require.NoError(t, err)
	s.SetReadDeadline(time.Now().Add(patience))
	return c, s
}

// sample returns the tags of a file with audio and video.
func sample(t testing.TB) []flv.Tag {
	t.Helper()
	return tags(t, testserver.Sample)
}

// tags parses a file.
func tags(t testing.TB, file []byte) (all []flv.Tag) {
	t.Helper()
	r := flv.NewReader(bytes.NewReader(file))
	for {
		var tag flv.Tag
		err := r.Next(&tag)
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
		tag.Body = bytes.Clone(tag.Body)
		all = append(all, tag)
	}
}

// write publishes tags.
func write(t testing.TB, s *rtmp.Stream, all []flv.Tag) {
	t.Helper()
	for _, tag := range all {
		require.NoError(t, s.WritePacket(&message.Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: tag.Body}))
	}
}

// media returns only the audio and video tags.
func media(all []flv.Tag) (only []flv.Tag) {
	for _, tag := range all {
		if tag.Type != flv.TagScript {
			only = append(only, tag)
		}
	}
	return only
}

// receive reads n audio and video messages.
func receive(t testing.TB, s interface{ ReadPacket(*message.Packet) error }, n int) (all []flv.Tag) {
	t.Helper()
	for len(all) < n {
		var p message.Packet
		require.NoError(t, s.ReadPacket(&p), "after %d of %d", len(all), n)
		if p.Type == message.TypeAudio || p.Type == message.TypeVideo {
			all = append(all, flv.Tag{Type: flv.TagType(p.Type), Timestamp: p.Timestamp, Body: p.Body})
		}
	}
	return all
}

// sampleFile writes the sample to a file.
func sampleFile(t testing.TB, dir, name string) string {
	t.Helper()
	path := dir + "/" + name
	require.NoError(t, os.WriteFile(path, testserver.Sample, 0o644))
	return path
}

// eventually polls condition until it is true.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, patience, 5*time.Millisecond, what)
}

// waitFor receives from a channel.
func waitFor[T any](t testing.TB, what string, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		require.FailNow(t, "nothing has come", what)
	}
	return v
}

var sampleBytes = testserver.Sample
