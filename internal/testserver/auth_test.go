package testserver_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/auth"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// authServer starts a server that demands authentication and checks after the test that all of it has ended.
func authServer(t *testing.T, cfg testserver.Config) *testserver.Server {
	t.Helper()
	running := goleak.IgnoreCurrent()
	s, err := testserver.Start(cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		s.Close()
		goleak.VerifyNone(t, running)
	})
	return s
}

// sendConnect returns a connection on which connect was sent. It is closed with the test.
func sendConnect(t *testing.T, s *testserver.Server, object amf.Object) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	require.NoError(t, nc.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = handshake.Client(nc, handshake.Config{})
	require.NoError(t, err)
	body, err := message.AppendCommand(nil, message.TypeCommandAMF0, &message.Command{Name: "connect", TransactionID: 1, Object: object})
	require.NoError(t, err)
	b, err := chunk.NewWriter().AppendMessage(nil, &chunk.Outgoing{Type: uint8(message.TypeCommandAMF0), ChunkStreamID: 3, Body: body})
	require.NoError(t, err)
	_, err = nc.Write(b)
	require.NoError(t, err)
	return nc
}

// answerToConnect connects and returns the answer's name and status. After an _error it expects the server to hang up.
func answerToConnect(t *testing.T, s *testserver.Server, object amf.Object) (name string, status *message.StatusError) {
	t.Helper()
	nc := sendConnect(t, s, object)
	defer nc.Close()
	r := chunk.NewReader(nc, 1<<16)
	for {
		var m chunk.Message
		require.NoError(t, r.Next(&m))
		if message.Type(m.Type) != message.TypeCommandAMF0 {
			continue
		}
		answer, err := message.ParseCommand(message.TypeCommandAMF0, m.Body())
		require.NoError(t, err)
		assert.Equal(t, 1.0, answer.TransactionID)
		if answer.Name == "_error" {
			assert.ErrorIs(t, r.Next(&m), io.EOF)
		}
		return answer.Name, message.ParseStatus(answer.Args)
	}
}

func TestAuthRejectsUntilProved(t *testing.T) {
	for _, scheme := range []auth.Scheme{auth.Adobe, auth.Limelight} {
		t.Run(string(scheme), func(t *testing.T) {
			s := authServer(t, testserver.Config{Apps: []string{"live"},
				Auth: &auth.Server{Scheme: scheme, Users: map[string]string{"usr": "pwd"}}})
			p := auth.Publisher{User: "usr", Password: "pwd", App: "live"}
			query := ""
			for range 2 {
				name, status := answerToConnect(t, s, amf.Object{{Name: "app", Value: "live" + query}, {Name: "type", Value: "nonprivate"}})
				assert.Equal(t, "_error", name)
				assert.Equal(t, "error", status.Level)
				assert.Equal(t, "NetConnection.Connect.Rejected", status.Code)
				var again bool
				var err error
				query, again, err = p.Next(status.Description)
				require.NoError(t, err)
				require.True(t, again)
			}
			name, status := answerToConnect(t, s, amf.Object{{Name: "app", Value: "live" + query}, {Name: "type", Value: "nonprivate"}})
			assert.Equal(t, "_result", name, status.Description)
		})
	}
}

func TestAuthAsksPublishersOnly(t *testing.T) {
	s := authServer(t, testserver.Config{Auth: &auth.Server{Scheme: auth.Adobe}})
	for name, test := range map[string]struct {
		object amf.Object
		want   string
	}{
		"player":                  {amf.Object{{Name: "app", Value: "live"}, {Name: "flashVer", Value: "LNX 10,0,32,18"}}, "_result"},
		"no app":                  {amf.Object{}, "_result"},
		"publisher without app":   {amf.Object{{Name: "type", Value: "nonprivate"}}, "_error"},
		"app that is a number":    {amf.Object{{Name: "app", Value: 1.0}, {Name: "type", Value: "nonprivate"}}, "_error"},
		"flashVer of an encoder":  {amf.Object{{Name: "flashVer", Value: "FMLE/3.0 (compatible; FMSc/1.0)"}}, "_error"},
		"flashVer that is a list": {amf.Object{{Name: "flashVer", Value: []any{"FMLE/"}}, {Name: "type", Value: true}}, "_result"},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := answerToConnect(t, s, test.object)
			assert.Equal(t, test.want, got)
		})
	}
}

// Without randomness for a challenge the session ends without an answer.
func TestAuthWithoutRandomness(t *testing.T) {
	s := authServer(t, testserver.Config{Auth: &auth.Server{Scheme: auth.Adobe, Users: map[string]string{"usr": "pwd"},
		Rand: iotest.ErrReader(io.ErrNoProgress)}})
	nc := sendConnect(t, s, amf.Object{{Name: "app", Value: "live?authmod=adobe&user=usr"}, {Name: "type", Value: "nonprivate"}})
	got, err := io.ReadAll(nc)
	assert.NoError(t, err)
	assert.Empty(t, got)
}

// FFmpeg has a client's half of its own for both schemes.
func TestAuthFFmpegPublishes(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		const text = "ffmpeg is missing: apt-get install ffmpeg"
		if os.Getenv("CI") != "" {
			t.Fatal(text)
		}
		t.Skip(text)
	}
	for _, scheme := range []auth.Scheme{auth.Adobe, auth.Limelight} {
		for name, test := range map[string]struct {
			credentials, app string
			connects         int32
			complaint        string // "": it publishes
		}{
			"right password":   {"usr:pwd@", "live", 3, ""},
			"app and instance": {"usr:pwd@", "live/instance", 3, ""},
			"wrong password":   {"usr:guess@", "live", 3, "?reason=authfail"},
			"unknown user":     {"nobody:pwd@", "live", 2, "?reason=nosuchuser"},
			"no password":      {"", "live", 1, "code=403 need auth; authmod=" + string(scheme)},
		} {
			t.Run(fmt.Sprintf("%s/%s", scheme, name), func(t *testing.T) {
				dir := t.TempDir()
				var connects atomic.Int32
				server := authServer(t, testserver.Config{RecordDir: dir,
					Auth: &auth.Server{Scheme: scheme, Users: map[string]string{"usr": "pwd"}},
					OnMessage: func(_ *testserver.Session, m *chunk.Message) {
						if bytes.HasPrefix(m.Body(), amf.AppendString(nil, "connect")) {
							connects.Add(1)
						}
					}})
				sample := filepath.Join(dir, "sample.flv")
				require.NoError(t, os.WriteFile(sample, testserver.Sample, 0o644))
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				url := strings.Replace(server.URL(test.app, "cam"), "://", "://"+test.credentials, 1)
				cmd := exec.CommandContext(ctx, ffmpeg, "-nostdin", "-v", "error", "-i", sample, "-t", "1", "-c", "copy", "-f", "flv", url)
				cmd.WaitDelay = 5 * time.Second
				out, err := cmd.CombinedOutput()
				server.Close() // the recording is complete
				recording, readErr := os.ReadFile(filepath.Join(dir, "cam.flv"))
				assert.Equal(t, test.connects, connects.Load())
				if test.complaint != "" {
					assert.Error(t, err)
					assert.Contains(t, string(out), test.complaint)
					assert.ErrorIs(t, readErr, os.ErrNotExist)
					return
				}
				require.NoError(t, err, "%s", out)
				require.NoError(t, readErr)
				tags, err := testserver.Tags(recording)
				require.NoError(t, err)
				assert.Greater(t, len(tags), 25, "a second has 25 pictures")
			})
		}
	}
}
