package download

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// asking starts a server that plays the sample in real time. After a part of the sample, the server asks each client to reconnect.
func asking(t *testing.T, tcURL func() string, cfg testserver.Config) (s *testserver.Server, connections *atomic.Int32) {
	connections = new(atomic.Int32)
	cfg.Realtime, cfg.WindowAckSize = true, 20_000
	cfg.Fault = func(int) testserver.Fault {
		connections.Add(1)
		return testserver.Fault{}
	}
	cfg.OnMessage = func(s *testserver.Session, m *chunk.Message) {
		if message.Type(m.Type) == message.TypeAcknowledgement {
			s.Send(*reconnectTo(t, tcURL()))
		}
	}
	return rtmptest.Server(t, cfg), connections
}

// TestReconnectRequestIsIgnored checks that playing continues if a request to reconnect must not be followed.
func TestReconnectRequestIsIgnored(t *testing.T) {
	for _, test := range []struct {
		name    string
		options Options
		here    bool // the request leads to the same port
	}{
		{"without recovery", Options{RTMP: &rtmp.Options{FollowReconnect: rtmp.FollowAny}}, true},
		{"not announced", Options{RTMP: &rtmp.Options{NoEnhanced: true, FollowReconnect: rtmp.FollowAny}, Recover: impatient()}, true},
		{"never", Options{RTMP: &rtmp.Options{FollowReconnect: rtmp.FollowNone}, Recover: impatient()}, true},
		{"another port", Options{Recover: impatient()}, false},
		{"announced something else", Options{Recover: impatient(),
			RTMP: &rtmp.Options{ConnectFields: amf.Object{{Name: "capsEx", Value: 2.0}}}}, true},
	} {
		schemes := []string{"rtmp", "rtmpt"} // schemes of the URL in the request
		if test.here {
			schemes = schemes[:1]
		}
		for _, scheme := range schemes {
			t.Run(test.name+", "+scheme, func(t *testing.T) {
				t.Parallel() // these tests wait for a server that sends in real time
				var to string
				there, strangers := asking(t, func() string { return to }, testserver.Config{Scheme: scheme})
				s, connections := asking(t, func() string { return to }, testserver.Config{})
				if to = scheme + "://" + there.Addr() + "/vod"; test.here {
					to = "/vod"
				}
				var got bytes.Buffer
				o, client := test.options, rtmp.Options{}
				if o.RTMP != nil {
					client = *o.RTMP
				}
				client.Buffer = 10 * time.Second // nearly all
				o.KeepBuffer, o.RTMP = true, &client
				result, err := To(conntest.Context(t), s.URL("vod", "sample"), &got, &o)
				require.NoError(t, err)
				assert.Equal(t, 1, result.Sessions)
				assert.True(t, bytes.Equal(testserver.Sample, got.Bytes()))
				assert.EqualValues(t, 1, connections.Load())
				assert.Zero(t, strangers.Load())
			})
		}
	}
}

// minutes returns a recording that is longer than it takes a server in real time to ask for a reconnection. It has no metadata, so its
// duration is unknown.
func minutes(t *testing.T) []byte { return rtmptest.File(rtmptest.RepeatedSample(t, 12)[1:]...) }

// TestReconnectRequestsAreBounded checks that requests to reconnect count as failed attempts, so that a server can't ask forever.
func TestReconnectRequestsAreBounded(t *testing.T) {
	s, connections := asking(t, func() string { return "" }, testserver.Config{Files: map[string][]byte{"sample": minutes(t)}})
	o := &Options{RTMP: &rtmp.Options{Buffer: 3 * time.Second}, KeepBuffer: true,
		Recover: &Recovery{Attempts: 5, Delay: time.Millisecond, MaxDelay: time.Millisecond}}
	pauses := 0
	o.Progress = func(p *Progress) {
		if p.Phase == Retrying {
			pauses++
			assert.Positive(t, p.Wait)
		}
	}
	result, err := To(conntest.Context(t), s.URL("vod", "sample"), io.Discard, o)
	assert.Error(t, err)
	assert.Equal(t, ClosedEarly, result.Outcome)
	assert.EqualValues(t, 6, connections.Load())
	assert.Equal(t, 5, pauses)
}

// TestReconnectTakesNoSecretsAlong checks that credentials for one server are not sent to another server.
func TestReconnectTakesNoSecretsAlong(t *testing.T) {
	said := make(chan string, 100)
	film := minutes(t)
	next := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"sample": film}, OnMessage: func(_ *testserver.Session, m *chunk.Message) {
		select {
		case said <- fmt.Sprintf("%q", m.Body()):
		default:
		}
	}})
	s, _ := asking(t, func() string { return "rtmp://" + next.Addr() + "/vod" },
		testserver.Config{Files: map[string][]byte{"sample?secret": film}})
	path := filepath.Join(t.TempDir(), "out.flv")
	o := &Options{Recover: impatient(), KeepBuffer: true, RTMP: &rtmp.Options{Buffer: 3 * time.Second, Auth: "secret", UsherToken: "secret", Token: "secret",
		ConnectData: []any{"secret"}, ConnectFields: amf.Object{{Name: "x", Value: "secret"}}, FollowReconnect: rtmp.FollowAny}}
	result, err := File(conntest.Context(t), s.URL("vod", "sample?secret")+" conn=S:secret", path, o)
	require.NoError(t, err)
	assert.Equal(t, 2, result.Sessions)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(film, got))
	require.NotEmpty(t, said)
	for len(said) > 0 {
		assert.NotContains(t, <-said, "secret")
	}
}

func reconnectTo(t *testing.T, tcURL string) *chunk.Outgoing {
	info := append(message.StatusObject("status", message.CodeConnectReconnectRequest, "moving"), amf.Property{Name: "tcUrl", Value: tcURL})
	body, err := message.AppendCommand(nil, message.TypeCommandAMF0, &message.Command{Name: "onStatus", Args: []any{info}})
	require.NoError(t, err)
	return &chunk.Outgoing{Type: uint8(message.TypeCommandAMF0), ChunkStreamID: 3, Format: chunk.Format3, Body: body}
}

func TestReconnectRequest(t *testing.T) {
	there := &pauses{}
	next := rtmptest.Server(t, testserver.Config{OnMessage: there.seen})
	p := &pauses{answer: func(n int) *chunk.Outgoing {
		if n > 1 {
			return nil
		}
		return reconnectTo(t, "rtmp://"+next.Addr()+"/elsewhere")
	}}
	announced := make(chan any, 1)
	s := rtmptest.Server(t, testserver.Config{Realtime: true, WindowAckSize: 100_000, OnMessage: p.seen,
		OnConnect: func(s *testserver.Session) {
			extensions, _ := s.Connect().Object.(amf.Object).Get("capsEx")
			announced <- extensions
		}})
	path := filepath.Join(t.TempDir(), "out.flv")
	o := &Options{RTMP: &rtmp.Options{Buffer: 3 * time.Second, FollowReconnect: rtmp.FollowAny}, KeepBuffer: true, Recover: impatient()}
	result, err := File(conntest.Context(t), s.URL("vod", "sample")+" playpath=sample", path, o)
	require.NoError(t, err)
	assert.Equal(t, 2, result.Sessions)
	assert.Equal(t, 15.0, <-announced, "the client says that it may be asked")
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(testserver.Sample, got))
	there.mu.Lock()
	defer there.mu.Unlock()
	assert.Equal(t, []string{"sample"}, there.names)
}

// TestReconnectRequestBeforeHangingUp checks that a request to reconnect is followed even if the server closes the connection at once. The
// server must have read everything by then, since otherwise the system resets the connection and drops what is still to be sent. So the
// window is that large that the client acknowledges only once.
func TestReconnectRequestBeforeHangingUp(t *testing.T) {
	next := rtmptest.Server(t, testserver.Config{})
	s := rtmptest.Server(t, testserver.Config{Realtime: true, WindowAckSize: 150_000, OnMessage: func(s *testserver.Session, m *chunk.Message) {
		if message.Type(m.Type) == message.TypeAcknowledgement {
			s.Send(*reconnectTo(t, "rtmp://"+next.Addr()+"/vod"))
			s.Close()
		}
	}})
	path := filepath.Join(t.TempDir(), "out.flv")
	o := &Options{RTMP: &rtmp.Options{Buffer: 3 * time.Second, FollowReconnect: rtmp.FollowAny}, KeepBuffer: true, Recover: impatient()}
	result, err := File(conntest.Context(t), s.URL("vod", "sample"), path, o)
	require.NoError(t, err)
	assert.Equal(t, 2, result.Sessions)
}
