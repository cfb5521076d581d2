package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// TestSummaryAgreesWithExitCode checks that with --json the exit code is 0 if and only if a recording is complete.
func TestSummaryAgreesWithExitCode(t *testing.T) {
	for _, test := range []struct {
		name, args string
		config     testserver.Config
		outcome    string
		code       int
		says       string
	}{
		{"complete, but not to RTMPDump", "-r URL/sample", testserver.Config{}, "complete", exitSuccess, "Download complete"},
		{"without a duration, cut", "-r URL/bare", testserver.Config{Fault: cutAt(100_000)}, "server-closed-early", exitIncomplete, "may be incomplete"},
		{"without pictures, which the metadata names", "-r URL/sound", testserver.Config{}, "incomplete", exitIncomplete, "may be incomplete"},
		{"cut", "-r URL/sample", testserver.Config{Fault: cutAt(100_000)}, "server-closed-early", exitIncomplete, "may be incomplete"},
		{"no such stream", "-r URL/nosuch", testserver.Config{}, "not-started", exitFailed, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := attempt(t, ours, test.config, test.args+" -o FILE --json", nil)
			var s summary
			require.NoError(t, json.Unmarshal(got.stdout, &s), "%s", got.stdout)
			assert.Equal(t, test.outcome, s.Outcome)
			assert.Equal(t, test.code, s.ExitCode)
			assert.Equal(t, test.code, got.code)
			assert.Contains(t, got.stderr, test.says)
		})
	}
}

// TestLiveServerDies checks that --json does not report a live stream as complete if the server crashes, although RTMPDump does.
func TestLiveServerDies(t *testing.T) {
	for name, action := range map[string]testserver.Action{"with a FIN": testserver.Cut, "with a reset": testserver.Reset} {
		t.Run(name, func(t *testing.T) {
			s := rtmptest.Server(t, testserver.Config{Fault: func(n int) testserver.Fault {
				return testserver.Fault{Action: []testserver.Action{testserver.None, action}[min(n, 1)], At: 60_000}
			}})
			stop := publishing(t, s.URL("live", "camera"))
			var stdout, stderr bytes.Buffer
			code := ours([]string{"-r", s.URL("live", "camera"), "-v", "-m", "5", "-o", "-", "--json"}, &stdout, &stderr)
			stop()
			assert.Equal(t, exitSuccess, code, stderr.String())
			assert.Contains(t, stderr.String(), "Download complete")
			assert.Contains(t, stderr.String(), `{"outcome":"server-closed-early"`)
			assert.Contains(t, stderr.String(), `"ended":false`)
		})
	}
}

// publishing publishes the sample again and again until stop is called.
func publishing(t *testing.T, url string) (stop func()) {
	t.Helper()
	conn, err := rtmp.Dial(t.Context(), url, &rtmp.Options{Publish: true})
	require.NoError(t, err)
	stream, err := conn.CreateStream(t.Context(), &rtmp.StreamOptions{Writable: true})
	require.NoError(t, err)
	list := rtmptest.SampleTags(t)
	list = slices.DeleteFunc(list, func(tag flv.Tag) bool { return tag.Type == flv.TagScript }) // without a duration
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		pace := time.NewTicker(500 * time.Microsecond) // the server drops viewers that can't keep up
		defer pace.Stop()
		for n := uint32(0); ; n++ {
			for _, tag := range list {
				select {
				case <-quit:
					return
				case <-pace.C:
				}
				if stream.WritePacket(&rtmp.Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp + n*10_000, Body: tag.Body}) != nil {
					return
				}
			}
		}
	}()
	return func() {
		close(quit)
		<-done
		conn.Close()
	}
}
