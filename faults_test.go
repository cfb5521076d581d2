package rtmp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// download plays the sample, and returns the resulting file and the error of the step that failed, if any.
func download(ctx context.Context, url string, o *Options, opts *StreamOptions) ([]byte, error) {
	c, err := Dial(ctx, url, o)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	s, err := c.CreateStream(ctx, opts)
	if err != nil {
		return nil, err
	}
	var file bytes.Buffer
	_, err = io.Copy(&file, s)
	return file.Bytes(), err
}

// isDocumented reports whether err is one of the documented errors of a failed connection.
func isDocumented(err error) bool {
	var protocol *ProtocolError
	var handshake *HandshakeError
	var status *StatusError
	return errors.As(err, &protocol) || errors.As(err, &handshake) || errors.As(err, &status) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded)
}

// isPrefix checks that file consists of the first tags of the sample.
func isPrefix(t *testing.T, file []byte) {
	if len(file) == 0 {
		return
	}
	whole := rtmptest.SampleTags(t)
	tags := rtmptest.Tags(t, file)
	require.LessOrEqual(t, len(tags), len(whole))
	for i := range tags {
		require.Equal(t, whole[i], tags[i])
	}
}

// shortSample returns the first tags of the sample as a file of at least size bytes.
func shortSample(t *testing.T, size int) []byte {
	tags := rtmptest.SampleTags(t)
	file := flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})
	for i := 0; len(file) < size; i++ {
		file = flv.AppendTag(file, tags[i])
	}
	return file
}

// afterFirstMedia is a position in the bytes that a server sends, soon after the first media.
const afterFirstMedia = 3073 + 1500

// faultPositions returns positions in the bytes that a server sends: some in the handshake, every byte from there to just after the first
// media (with the race detector, every seventh), and some after that. With RTMP_LONG=1 it returns all positions.
func faultPositions(seed uint64, recording []byte) (all []int64) {
	const handshakeSize = 3073
	step := int64(1)
	for at := int64(0); at < handshakeSize+int64(len(recording))+1500; at += step {
		if !long() {
			switch {
			case at < handshakeSize-8:
				step = 61
			case at > afterFirstMedia:
				step = 10_000 + int64(rand.New(rand.NewPCG(seed, uint64(at))).IntN(10_000))
			case rtmptest.Race:
				step = 7
			default:
				step = 1
			}
		}
		all = append(all, at)
	}
	return all
}

// testFaults plays with a fault at each position: the sample or, if the fault comes soon or with RTMP_LONG=1, its first tags. maybeEnded
// reports whether the server may have signalled the end of the stream before the fault.
func testFaults(t *testing.T, action testserver.Action, o *Options, check func(at int64, maybeEnded bool, file []byte, err error)) {
	whole, short := testserver.Sample, shortSample(t, 20_000)
	if long() {
		whole = short
	}
	recording := func(at int64) []byte {
		if at <= afterFirstMedia {
			return short
		}
		return whole
	}
	playWithFaults(t, o, faultPositions(uint64(action), whole), func(at int64, file []byte, err error) {
		check(at, at > int64(len(recording(at)))-1500, file, err)
	}, func(at int64) testserver.Config {
		return testserver.Config{Files: map[string][]byte{"sample": recording(at)},
			Fault: func(int) testserver.Fault { return testserver.Fault{Action: action, At: at} }}
	})
}

func playWithFaults(t *testing.T, o *Options, positions []int64, check func(at int64, file []byte, err error),
	config func(at int64) testserver.Config) {
	var workers sync.WaitGroup
	next := make(chan int64)
	for range 64 { // most of them wait
		workers.Go(func() {
			for at := range next {
				server, err := testserver.Start(config(at))
				if !assert.NoError(t, err) {
					continue
				}
				file, err := download(conntest.Context(t), server.URL("vod", "sample"), o, nil)
				server.Close()
				check(at, file, err)
			}
		})
	}
	for _, at := range positions {
		next <- at
	}
	close(next)
	workers.Wait()
}

func TestServerDiesAtAnyByte(t *testing.T) {
	for name, action := range map[string]testserver.Action{"cut": testserver.Cut, "reset": testserver.Reset} {
		t.Run(name, func(t *testing.T) {
			testFaults(t, action, nil, func(at int64, told bool, file []byte, err error) {
				if !told {
					assert.Error(t, err, "byte %d", at)
				}
				assert.True(t, err == nil || isDocumented(err), "byte %d: %v", at, err)
				isPrefix(t, file)
			})
		})
	}
}

func TestServerStallsAtAnyByte(t *testing.T) {
	o := &Options{Timeout: 60 * time.Millisecond}
	testFaults(t, testserver.Stall, o, func(at int64, told bool, file []byte, err error) {
		if !told {
			assert.ErrorIs(t, err, os.ErrDeadlineExceeded, "byte %d", at)
		}
		isPrefix(t, file)
	})
}

func TestCorruptedByte(t *testing.T) {
	testFaults(t, testserver.Corrupt, &Options{Timeout: 200 * time.Millisecond}, func(at int64, _ bool, _ []byte, err error) {
		assert.True(t, err == nil || isDocumented(err), "byte %d: %v", at, err)
	})
}

func TestDribble(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{
		Files: map[string][]byte{"sample": testserver.Sample},
		Fault: func(int) testserver.Fault { return testserver.Fault{Action: testserver.Dribble} },
	})
	file, err := download(conntest.Context(t), s.URL("vod", "sample"), nil, nil)
	require.NoError(t, err)
	assert.Equal(t, testserver.Sample, file)
}
