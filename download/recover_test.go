package download

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// TestRecoverLive checks that the download of a live stream continues at a key frame after a lost connection.
func TestRecoverLive(t *testing.T) {
	const beyond = 400 // number of tags, some of which are published after the cut
	received, missed := 0, make(chan struct{})
	s := rtmptest.Server(t, testserver.Config{
		Fault: func(n int) testserver.Fault {
			if n == 1 { // the first viewer
				return testserver.Fault{Action: testserver.Cut, At: 60_000}
			}
			return testserver.Fault{}
		},
		OnMessage: func(_ *testserver.Session, m *chunk.Message) {
			switch message.Type(m.Type) {
			case message.TypeAudio, message.TypeVideo, message.TypeDataAMF0:
				if received++; received == beyond {
					close(missed)
				}
			}
		},
	})
	ctx := conntest.Context(t)
	conn, err := rtmp.Dial(ctx, s.URL("live", "camera"), &rtmp.Options{Publish: true})
	require.NoError(t, err)
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
	require.NoError(t, err)

	all := sample(t)
	publish := func(list []flv.Tag) {
		for _, tag := range list {
			require.NoError(t, stream.WritePacket(&rtmp.Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: tag.Body}))
		}
	}
	publish(all[:headers+1]) // the headers, and a key frame at which players begin
	playing := make(chan struct{}, 10)
	path := filepath.Join(t.TempDir(), "out.flv")
	done := make(chan error, 1)
	var result Result
	go func() {
		var err error
		result, err = File(ctx, s.URL("live", "camera"), path, &Options{RTMP: &rtmp.Options{Live: true}, Recover: impatient(),
			Progress: func(p *Progress) {
				switch p.Phase {
				case Metadata: // the server has accepted the player
					playing <- struct{}{}
				case Retrying:
					<-missed
				}
			}})
		done <- err
	}()
	<-playing
	publish(all[headers+1 : beyond])
	<-playing
	publish(all[beyond:])
	require.NoError(t, stream.Close())
	require.ErrorIs(t, <-done, ErrIncomplete, "a part was published while nobody was connected")
	assert.Equal(t, Incomplete, result.Outcome)
	require.Len(t, result.Splices, 1)
	assert.Positive(t, result.Splices[0].Gap)

	got, err := os.ReadFile(path)
	require.NoError(t, err)
	wantAudio, wantVideo := tracks(t, rtmptest.File(all...))
	gotAudio, gotVideo := tracks(t, got)
	for _, track := range []struct{ want, got []flv.Tag }{{wantAudio, gotAudio}, {wantVideo, gotVideo}} {
		n := 0
		for track.got[n].Timestamp == track.want[n].Timestamp && bytes.Equal(track.got[n].Body, track.want[n].Body) {
			n++
		}
		assert.Greater(t, n, 40)
		if track.got[n].Type == flv.TagVideo {
			assert.Equal(t, flv.KindKeyFrame, kindOf(track.got[n]))
		}
		assert.Equal(t, track.want[len(track.want)-len(track.got)+n:], track.got[n:], "the rest of what was published")
	}
}

func TestCancel(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{Realtime: true})
	path := filepath.Join(t.TempDir(), "out.flv")
	ctx, cancel := context.WithCancel(conntest.Context(t))
	o := &Options{RTMP: &rtmp.Options{Buffer: 2 * time.Second}, KeepBuffer: true, Recover: impatient(), Progress: func(p *Progress) {
		if p.Phase == Receiving && p.Position > 2*time.Second {
			cancel()
		}
	}}
	result, err := File(ctx, s.URL("vod", "sample"), path, o)
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, Canceled, result.Outcome)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.EqualValues(t, len(got), result.Size)
	assert.Greater(t, len(rtmptest.Tags(t, got)), 50)
	s = rtmptest.Server(t, testserver.Config{})
	_, err = File(conntest.Context(t), s.URL("vod", "sample"), path, &Options{Resume: true})
	require.NoError(t, err)
	got, err = os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(testserver.Sample, got))
}

func TestCancelWhileWaiting(t *testing.T) {
	ctx, cancel := context.WithCancel(conntest.Context(t))
	var phases []Phase
	_, err := To(ctx, "rtmp://127.0.0.1:1/a/b", io.Discard, &Options{Recover: &Recovery{Delay: time.Hour, MaxDelay: time.Hour},
		Progress: func(p *Progress) {
			if phases = append(phases, p.Phase); p.Phase == Retrying {
				cancel()
			}
		}})
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, []Phase{Connecting, Retrying}, phases)
}

func TestRefusalsAreFinal(t *testing.T) {
	p := &pauses{}
	s := rtmptest.Server(t, testserver.Config{Apps: []string{"vod"}, OnMessage: p.seen})
	for url, want := range map[string][]Phase{s.URL("vod", "nosuch"): {Connecting, Connected}, s.URL("nosuch", "sample"): {Connecting}} {
		var phases []Phase
		_, err := To(conntest.Context(t), url, io.Discard, &Options{Recover: impatient(), Progress: func(p *Progress) {
			phases = append(phases, p.Phase)
		}})
		var refused *rtmp.StatusError
		assert.ErrorAs(t, err, &refused)
		assert.Equal(t, want, phases)
	}
}

var errBroken = errors.New("broken")

type brokenWriter struct{ left int }

func (w *brokenWriter) Write(b []byte) (int, error) {
	if len(b) > w.left {
		return w.left, errBroken
	}
	w.left -= len(b)
	return len(b), nil
}

func TestWriteError(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	for _, n := range []int{0, 5, 13, 100, 5000, 100_000} {
		result, err := To(conntest.Context(t), s.URL("vod", "sample"), &brokenWriter{n}, &Options{Recover: impatient()})
		var write *WriteError
		require.ErrorAs(t, err, &write)
		assert.ErrorIs(t, err, errBroken)
		assert.Equal(t, WriteFailed, result.Outcome)
		assert.LessOrEqual(t, result.Size, int64(n))
		assert.Equal(t, min(1, n/100), result.Sessions*min(1, n/100), "writing is not tried again")
	}
	_, err := File(conntest.Context(t), s.URL("vod", "sample"), filepath.Join(t.TempDir(), "no", "such", "folder"), nil)
	var write *WriteError
	require.ErrorAs(t, err, &write)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// withDuration returns the sample with a duration in its metadata, or without metadata if the duration is 0.
func withDuration(t *testing.T, seconds float64) []byte {
	list := rtmptest.SampleTags(t)
	if seconds == 0 {
		return rtmptest.File(list[1:]...)
	}
	body, err := flv.AppendScript(nil, "onMetaData", amf.ECMAArray{{Name: "duration", Value: seconds}})
	require.NoError(t, err)
	list[0].Body = body
	return rtmptest.File(list...)
}

func TestOutcome(t *testing.T) {
	for _, test := range []struct {
		name     string
		duration float64
		end      testserver.EndSignal
		cut      int64
		start    time.Duration
		stop     time.Duration
		outcome  Outcome
		err      error
	}{
		{"the end at the end", 10.08, testserver.EndAll, 0, 0, 0, Complete, nil},
		{"the end, no duration", 0, testserver.EndAll, 0, 0, 0, Complete, nil},
		{"StreamEOF", 10.08, testserver.EndStreamEOF, 0, 0, 0, Complete, nil},
		{"UnpublishNotify", 10.08, testserver.EndUnpublishNotify, 0, 0, 0, Complete, nil},
		{"onFCUnsubscribe", 10.08, testserver.EndFCUnsubscribe, 0, 0, 0, Complete, nil},
		{"the end before the end", 20, testserver.EndAll, 0, 0, 0, Truncated, ErrTruncated},
		{"hanging up at the end", 10.08, testserver.EndClose, 0, 0, 0, Complete, nil},
		{"hanging up, no duration", 0, testserver.EndClose, 0, 0, 0, ClosedEarly, io.ErrUnexpectedEOF},
		{"hanging up before the end", 10.08, testserver.EndAll, 100_000, 0, 0, ClosedEarly, io.ErrUnexpectedEOF},
		{"hanging up a bit before the end", 10.08, testserver.EndAll, 258_000, 0, 0, ClosedEarly, io.ErrUnexpectedEOF},
		{"nothing", 10.08, testserver.EndNothing, 0, 0, 0, TimedOut, os.ErrDeadlineExceeded},
		{"a part", 10.08, testserver.EndAll, 0, 2 * time.Second, 5 * time.Second, Complete, nil},
		{"the rest", 10.08, testserver.EndAll, 0, 6 * time.Second, 0, Complete, nil},
		{"no such part", 10.08, testserver.EndAll, 0, 0, 15 * time.Second, Complete, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				url, o := piped(t, testserver.Config{Files: map[string][]byte{"it": withDuration(t, test.duration)},
					Shape: testserver.Shape{EndSignal: test.end}, Fault: func(int) testserver.Fault {
						if test.cut > 0 {
							return testserver.Fault{Action: testserver.Cut, At: test.cut}
						}
						return testserver.Fault{}
					}})
				o.Start, o.Stop = test.start, test.stop
				for _, quirks := range []bool{false, true} {
					result, err := To(t.Context(), url+"it", io.Discard, &Options{RTMP: o, Quirks: quirks})
					assert.Equal(t, test.outcome, result.Outcome, "%v", &result)
					if test.err == nil {
						assert.NoError(t, err)
					} else {
						assert.ErrorIs(t, err, test.err)
					}
				}
			})
		})
	}
}

// TestRecoverFromEarlyEnd checks that the download tries again if the server ends the stream early, and accepts the same end the second
// time.
func TestRecoverFromEarlyEnd(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"it": withDuration(t, 20)}})
	result, err := To(conntest.Context(t), s.URL("vod", "it"), io.Discard, &Options{Recover: impatient()})
	assert.ErrorIs(t, err, ErrTruncated)
	assert.Equal(t, 2, result.Sessions)
}

// TestRecoverFirstConnection checks that a wrong host name is reported at once, and that the download tries again if the server is down.
func TestRecoverFirstConnection(t *testing.T) {
	for _, test := range []struct {
		err   error
		dials int
	}{
		{&net.DNSError{Err: "no such host", Name: "typo.example", IsNotFound: true}, 1},
		{&net.DNSError{Err: "server misbehaving", Name: "host.example", IsTemporary: true}, 3},
		{syscall.ECONNREFUSED, 3},
	} {
		dials := 0
		result, err := To(t.Context(), "rtmp://host.example/vod/film", io.Discard, &Options{
			Recover: &Recovery{Attempts: 2, Delay: time.Millisecond},
			RTMP: &rtmp.Options{DialContext: func(context.Context, string, string) (net.Conn, error) {
				dials++
				return nil, test.err
			}},
		})
		require.ErrorIs(t, err, test.err)
		assert.Equal(t, NotStarted, result.Outcome)
		assert.Equal(t, test.dials, dials, "%v", test.err)
	}
}
