package rtmp

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/auth"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// pipelinings lists the values of Options.Pipelining, the fastest first.
var pipelinings = []struct {
	name string
	Pipelining
}{{"none", PipelineNone}, {"commands", PipelineCommands}, {"handshake", PipelineHandshake}}

// TestRoundTripsToTheFirstMedia checks the number of round trips until the first media arrives, without TCP's handshake. With a tunnel the
// number varies, since the client polls for answers.
func TestRoundTripsToTheFirstMedia(t *testing.T) {
	trusting, now := testserver.ClientTLS(), time.Now() // the certificate is valid today, but not at the time of a bubble's clock
	trusting.Time = func() time.Time { return now }
	for scheme, want := range map[string][3]float64{
		"rtmp": {4, 2, 1}, "rtmpe": {4, 2, 2}, "rtmps": {5, 3, 2}, "rtmpt": {6, 5, 4}, "rtmpte": {6, 5, 5}, "rtmpts": {8, 7, 6},
	} {
		for i, p := range pipelinings {
			t.Run(scheme+" "+p.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server, d := distantServer(testserver.Config{Scheme: scheme, Files: map[string][]byte{"sample": testserver.Sample}})
					defer server.Close()
					n, c := firstMedia(t, server.URL("vod", "sample"), &Options{Pipelining: p.Pipelining, DialContext: d.dial,
						TLSConfig: trusting})
					defer c.Close()
					assert.Zero(t, c.Stats().PipelineFallbacks)
					if strings.HasPrefix(scheme, "rtmpt") {
						assert.LessOrEqual(t, n, want[i])
						return
					}
					assert.Equal(t, want[i], n)
				})
			})
		}
	}
}

// TestRoundTripsWhereAnAnswerIsNeeded checks that Connect waits only for the answers that it needs.
func TestRoundTripsWhereAnAnswerIsNeeded(t *testing.T) {
	for _, tt := range []struct {
		name    string
		server  testserver.Config
		options Options
		want    [3]float64
	}{
		{"SecureToken", testserver.Config{Token: "key"}, Options{Token: "key"}, [3]float64{4, 3, 2}},
		{"SWF verification", testserver.Config{Player: &testserver.Player{Hash: make([]byte, 32), Size: 7}},
			Options{SWFHash: make([]byte, 32), SWFSize: 7}, [3]float64{4, 3, 3}},
		{"UsherToken", testserver.Config{}, Options{UsherToken: "token"}, [3]float64{4, 4, 3}},
		{"may be redirected", testserver.Config{}, Options{MaxRedirects: 1}, [3]float64{4, 3, 2}},
		{"Subscribe", testserver.Config{}, Options{Subscribe: "sample"}, [3]float64{4, 2, 1}},
		{"Playlist", testserver.Config{}, Options{Playlist: true}, [3]float64{4, 2, 1}},
	} {
		for i, p := range pipelinings {
			t.Run(tt.name+" "+p.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					tt.server.Files = map[string][]byte{"sample": testserver.Sample}
					server, d := distantServer(tt.server)
					defer server.Close()
					o := tt.options
					o.Pipelining, o.DialContext = p.Pipelining, d.dial
					n, c := firstMedia(t, server.URL("vod", "sample"), &o)
					defer c.Close()
					assert.Equal(t, tt.want[i], n)
					assert.Zero(t, c.Stats().PipelineFallbacks)
				})
			})
		}
	}
}

// TestRoundTripsWithCredentials checks a publisher that must authenticate. It connects three times: to learn the scheme, to receive a
// challenge, and to answer it.
func TestRoundTripsWithCredentials(t *testing.T) {
	for _, scheme := range []auth.Scheme{auth.Adobe, auth.Limelight} {
		for i, want := range []float64{8, 7, 4} {
			p := pipelinings[i]
			t.Run(fmt.Sprint(scheme, " ", p.name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server, d := distantServer(testserver.Config{Auth: &auth.Server{Scheme: scheme, Users: map[string]string{"u": "p"}}})
					defer server.Close()
					began := time.Now()
					c := dialed(t, server.URL("live", "out"), &Options{PublishUser: "u", PublishPassword: "p", Pipelining: p.Pipelining, DialContext: d.dial})
					defer c.Close()
					s, err := c.CreateStream(conntest.Context(t), &StreamOptions{Writable: true})
					require.NoError(t, err)
					assert.Equal(t, want, float64(time.Since(began))/float64(2*oneWay))
					assert.Zero(t, c.Stats().PipelineFallbacks)
					require.NoError(t, s.Close())
				})
			})
		}
	}
}
