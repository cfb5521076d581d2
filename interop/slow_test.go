package interop

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/message"
)

// TestNginxOverSlowNetwork plays a recording from nginx-rtmp through a network that is slower than nginx-rtmp reads the file. Asked for
// everything at once, nginx-rtmp 1.2.2 loses a message whenever its queue is full; the others must arrive unchanged and in order. A player
// that raises the buffer length step by step, as in docs/downloaders.md, must receive everything.
func TestNginxOverSlowNetwork(t *testing.T) {
	t.Parallel()
	want := rtmptest.RepeatedSample(t, 10)[1:] // without metadata
	for i := range want {
		if !flv.IsHeader(want[i]) {
			want[i].Body = append(bytes.Clone(want[i].Body), make([]byte, 2000)...) // more than the sockets' buffers can hold, in all
		}
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "film.flv"), rtmptest.File(want...), 0o644))
	url := "rtmp://" + slow(t, programtest.Nginx(t, dir), 8<<20) + "/vod/film"
	t.Run("at once", func(t *testing.T) {
		file, err := play(t, url, &rtmp.Options{Buffer: 10 * time.Hour})
		received, readErr := os.ReadFile(file)
		require.NoError(t, readErr)
		lost, rest := len(want), want
		for _, tag := range rtmptest.Tags(t, received) {
			if tag.Type == flv.TagScript {
				continue
			}
			i := slices.IndexFunc(rest, func(w flv.Tag) bool { return w.Type == tag.Type && bytes.Equal(w.Body, tag.Body) })
			require.GreaterOrEqual(t, i, 0, "%v is not one of the later messages of the recording", tag)
			lost, rest = lost-1, rest[i+1:]
		}
		t.Logf("nginx-rtmp lost %d of %d messages; %v", lost, len(want), err)
	})
	t.Run("step by step", func(t *testing.T) {
		requireCodeOf(t, "playStepByStep", "docs/downloaders.md")
		var got []flv.Tag
		require.NoError(t, playStepByStep(conntest.Context(t), url, func(p *rtmp.Packet) error {
			if p.Type == message.TypeAudio || p.Type == message.TypeVideo {
				got = append(got, flv.Tag{Type: flv.TagType(p.Type), Timestamp: p.Timestamp, Body: bytes.Clone(p.Body)})
			}
			return nil
		}))
		require.Equal(t, len(want), len(got))
		for i := range want {
			same := want[i].Type == got[i].Type && want[i].Timestamp == got[i].Timestamp && bytes.Equal(want[i].Body, got[i].Body)
			require.True(t, same, "tag %d: %v instead of %v", i, got[i], want[i])
		}
	})
}

// requireCodeOf checks that a page of this repository shows a function of this file as it is here.
func requireCodeOf(t *testing.T, function, page string) {
	t.Helper()
	source, err := os.ReadFile("slow_test.go")
	require.NoError(t, err)
	_, code, _ := strings.Cut(string(source), "\nfunc "+function+"(")
	code, _, _ = strings.Cut(code, "\n}\n")
	shown, err := os.ReadFile(filepath.Join("..", page))
	require.NoError(t, err)
	require.Contains(t, string(shown), "\nfunc "+function+"("+code+"\n}\n")
}

func playStepByStep(ctx context.Context, url string, received func(*rtmp.Packet) error) error {
	conn, err := rtmp.Dial(ctx, url, &rtmp.Options{Buffer: time.Second})
	if err != nil {
		return err
	}
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, &rtmp.StreamOptions{NoBufferUpdate: true})
	if err != nil {
		return err
	}
	defer stream.Bind(ctx)()
	var p rtmp.Packet
	var due time.Duration
	for began := time.Now(); ; {
		if err := stream.ReadPacket(&p); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if at := time.Duration(p.Timestamp) * time.Millisecond; at >= due {
			// The server may send what plays until now plus the buffer length: one second more than what has arrived.
			if err := stream.UpdateBuffer(ctx, max(0, at-time.Since(began))+time.Second); err != nil {
				return err
			}
			due = at + time.Second/2
		}
		if err := received(&p); err != nil {
			return err
		}
	}
}

// slow starts a relay to addr that ends with the test, and returns its address. It carries rate bytes per second from the server.
func slow(t *testing.T, addr string, rate int) string {
	return conntest.Serve(t, func(client net.Conn) {
		server, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		defer server.Close()
		server.(*net.TCPConn).SetReadBuffer(64 << 10) // otherwise it grows to megabytes
		go func() {
			io.Copy(server, client)
			server.Close()
		}()
		b := make([]byte, 32<<10)
		for free := time.Now(); ; { // free is when the network has carried what has been read
			n, err := server.Read(b)
			if n > 0 {
				client.Write(b[:n])
				free = free.Add(time.Duration(n) * time.Second / time.Duration(rate))
				time.Sleep(time.Until(free))
			}
			if err != nil {
				return
			}
		}
	})
}
