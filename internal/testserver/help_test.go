package testserver_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// overPipe runs test in a synctest bubble, with a client whose connection is a *recorded over a pipe.
func overPipe(t *testing.T, cfg testserver.Config, test func(t *testing.T, c *peertest.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.Files = map[string][]byte{"sample": testserver.Sample}
		listener := conntest.NewPipes("server")
		s := testserver.Serve(listener, cfg)
		defer s.Close()
		ours, err := listener.DialContext(t.Context(), "", "")
		require.NoError(t, err)
		defer ours.Close()
		c := peertest.NewClient(t, &recorded{Conn: ours})
		c.Connect()
		test(t, c)
	})
}

// isStop reports whether a message is the last of a recording.
func isStop(m peertest.Message) bool { return m.Code == "NetStream.Play.Stop" }

// keyFrames are the indices of the sample's pictures at 0, 2000, 4000, 6000 and 8000 ms.
var keyFrames = [...]int{3, 137, 273, 409, 546}

// headersAt returns the sample's metadata and sequence headers with the given timestamp.
func headersAt(all []flv.Tag, ms uint32) []flv.Tag {
	headers := slices.Clone(all[:3])
	for i := range headers {
		headers[i].Timestamp = ms
	}
	return headers
}
