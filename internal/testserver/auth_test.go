package testserver_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/auth"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// sendConnect returns a client that has sent connect.
func sendConnect(t *testing.T, s *testserver.Server, object amf.Object) *peertest.Client {
	t.Helper()
	c := peertest.Dial(t, s.Addr())
	c.Send(peertest.Command(0, "connect", 1, object))
	return c
}

// answerToConnect connects and returns the answer's name and status. After an _error it expects the server to close the connection.
func answerToConnect(t *testing.T, s *testserver.Server, object amf.Object) (name string, status *message.StatusError) {
	t.Helper()
	c := sendConnect(t, s, object)
	defer c.Conn.Close()
	answer := c.Until(func(m peertest.Message) bool { return m.Type == message.TypeCommandAMF0 }).Command
	assert.Equal(t, 1.0, answer.TransactionID)
	if answer.Name == "_error" {
		_, err := c.Read()
		assert.ErrorIs(t, err, io.EOF)
	}
	return answer.Name, message.ParseStatus(answer.Args)
}

func TestAuthRejectsUntilProved(t *testing.T) {
	for _, scheme := range []auth.Scheme{auth.Adobe, auth.Limelight} {
		t.Run(string(scheme), func(t *testing.T) {
			s := rtmptest.Server(t, testserver.Config{Apps: []string{"live"},
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
	s := rtmptest.Server(t, testserver.Config{Auth: &auth.Server{Scheme: auth.Adobe}})
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

// TestAuthFFmpegPublishes tests both schemes with FFmpeg, which has an independent implementation.
func TestAuthFFmpegPublishes(t *testing.T) {
	programtest.Need(t, "ffmpeg")
	for _, scheme := range []auth.Scheme{auth.Adobe, auth.Limelight} {
		for name, test := range map[string]struct {
			credentials, app string
			connects         int32
			complaint        string // "" if publishing succeeds
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
				patient := &conntest.Patient{Listener: conntest.Listen(t)}
				server := testserver.Serve(patient, testserver.Config{RecordDir: dir,
					Auth: &auth.Server{Scheme: scheme, Users: map[string]string{"usr": "pwd"}},
					OnMessage: func(_ *testserver.Session, m *chunk.Message) {
						if bytes.HasPrefix(m.Body(), amf.AppendString(nil, "connect")) {
							connects.Add(1)
						}
					}})
				sample := filepath.Join(dir, "sample.flv")
				require.NoError(t, os.WriteFile(sample, testserver.Sample, 0o644))
				url := strings.Replace(server.URL(test.app, "cam"), "://", "://"+test.credentials, 1)
				out, err := programtest.Output(t, "ffmpeg", "-nostdin", "-v", "error", "-i", sample, "-t", "1", "-c", "copy", "-f", "flv", url)
				patient.Conns.Wait() // wait until the server has read everything that FFmpeg sent
				server.Close()       // this completes the recording
				recording, readErr := os.ReadFile(filepath.Join(dir, "cam.flv"))
				assert.Equal(t, test.connects, connects.Load())
				if test.complaint != "" {
					assert.Error(t, err)
					assert.Contains(t, out, test.complaint)
					assert.ErrorIs(t, readErr, os.ErrNotExist)
					return
				}
				require.NoError(t, err, "%s", out)
				require.NoError(t, readErr)
				assert.Greater(t, len(rtmptest.Tags(t, recording)), 25, "a second has 25 pictures")
			})
		}
	}
}
