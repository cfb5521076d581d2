package download

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// pauses counts the pause commands that a client sends, and answers each Acknowledgement with a message.
type pauses struct {
	mu      sync.Mutex
	on, off int
	names   []string // names of the streams played
	answer  func(n int) *chunk.Outgoing
	acks    int
}

func (p *pauses) seen(s *testserver.Session, m *chunk.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch t := message.Type(m.Type); t {
	case message.TypeCommandAMF0:
		cmd, err := message.ParseCommand(t, m.Body())
		switch {
		case err == nil && cmd.Name == "play":
			p.names = append(p.names, cmd.Args[0].(string))
		case err == nil && cmd.Name == "pause" && cmd.Args[0] == true:
			p.on++
		case err == nil && cmd.Name == "pause":
			p.off++
		}
	case message.TypeAcknowledgement:
		p.acks++
		if p.answer == nil {
			return
		}
		if o := p.answer(p.acks); o != nil {
			s.Send(*o)
		}
	}
}

func bufferEmpty(int) *chunk.Outgoing {
	return &chunk.Outgoing{Type: uint8(message.TypeUserControl), ChunkStreamID: 2, Format: chunk.Format3,
		Body: message.AppendUserControl(nil, message.EventBufferEmpty, 1)}
}

// TestBufferEmpty checks that when a server in real time reports an empty buffer, the stream is paused and resumed immediately. The next
// report has an effect only after media.
func TestBufferEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, connected := new(pauses), make(chan *testserver.Session, 1)
		url, o := piped(t, testserver.Config{Realtime: true, OnMessage: p.seen, OnConnect: func(s *testserver.Session) { connected <- s },
			Files: map[string][]byte{"sample": testserver.Sample}})
		o.Buffer = 2 * time.Second
		var got bytes.Buffer
		done := make(chan error, 1)
		go func() {
			_, err := To(t.Context(), url+"sample", &got, &Options{RTMP: o, KeepBuffer: true})
			done <- err
		}()
		s := <-connected
		before, want := 0, 0
		for synctest.Wait(); len(done) == 0; synctest.Wait() {
			if n := got.Len(); n > before {
				before = n
				want++
			}
			for range 2 {
				require.NoError(t, s.Send(*bufferEmpty(0)))
				synctest.Wait()
				require.Equal(t, [2]int{want, want}, [2]int{p.on, p.off})
			}
			time.Sleep(time.Second)
		}
		require.NoError(t, <-done)
		assert.Greater(t, want, 1)
		assert.True(t, bytes.Equal(testserver.Sample, got.Bytes()))
	})
}

func TestBufferEmptyInRealtime(t *testing.T) {
	p := &pauses{answer: bufferEmpty}
	s := rtmptest.Server(t, testserver.Config{WindowAckSize: 20_000, OnMessage: p.seen})
	got := whole(t, s.URL("vod", "sample"), &Options{Realtime: true})
	assert.True(t, bytes.Equal(testserver.Sample, got))
	require.Eventually(t, func() bool { // the server may not have handled the last commands yet
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.acks > 0
	}, 20*time.Second, time.Millisecond)
	p.mu.Lock()
	defer p.mu.Unlock()
	assert.Zero(t, p.on)
}

// TestSilence checks that a download tries once to wake a server that falls silent, and then gives the connection up.
func TestSilence(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.flv")
	synctest.Test(t, func(t *testing.T) {
		p := &pauses{}
		url, options := piped(t, testserver.Config{Files: map[string][]byte{"sample": testserver.Sample}, OnMessage: p.seen,
			Fault: func(n int) testserver.Fault {
				if n > 1 {
					return testserver.Fault{}
				}
				return testserver.Fault{Action: testserver.Stall, At: 100_000}
			}})
		o := &Options{Resume: true, RTMP: options}
		result, err := File(t.Context(), url+"sample", path, o)
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Equal(t, TimedOut, result.Outcome)
		o.Recover = impatient()
		result, err = File(t.Context(), url+"sample", path, o)
		require.NoError(t, err)
		assert.Equal(t, 2, result.Sessions)
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(testserver.Sample, got))
		p.mu.Lock()
		defer p.mu.Unlock()
		assert.Equal(t, 2, p.on, "once for each connection that fell silent")
	})
}
