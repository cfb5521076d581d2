package interop

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/swf"
)

// trust makes Go programs started by this test trust the test server's certificate.
func trust(t *testing.T) {
	file := filepath.Join(t.TempDir(), "roots.pem")
	der := testserver.ServerTLS().Certificates[0].Certificate[0]
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	t.Setenv("SSL_CERT_FILE", file)
}

func TestOurRtmpdumpOverEveryTransport(t *testing.T) {
	files := map[string][]byte{"film": film(t)}
	_, want := saved(t, rtmptest.Server(t, testserver.Config{Files: files}).URL("vod", "film"))
	for i, scheme := range []string{"rtmp", "rtmpt", "rtmpe", "rtmpte", "rtmps", "rtmpts"} {
		t.Run(scheme, func(t *testing.T) {
			s := rtmptest.Server(t, testserver.Config{Scheme: scheme, Files: files})
			url := s.URL("vod", "film")
			if i >= 4 {
				out := dump(t, "-r", url, "-o", filepath.Join(t.TempDir(), "out.flv"))
				assert.Equal(t, 3, out.code)
				assert.Contains(t, out.stderr, "certificate")
				trust(t)
			}
			_, got := saved(t, url)
			assert.True(t, bytes.Equal(want, got), "%d bytes", len(got))

			file := filepath.Join(t.TempDir(), "out.flv") // resume from a part of the file
			require.NoError(t, os.WriteFile(file, part(t, want, -50), 0o600))
			out := dump(t, "-r", "rtmp://"+s.Addr()+"/vod/film", "-l", fmt.Sprint(i), "-e", "-o", file)
			require.Zero(t, out.code, out.stderr)
			got, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.True(t, bytes.Equal(want, got), "%d bytes", len(got))
		})
	}
}

// TestVerificationByOurRtmpdump tests SWF verification with a player that is downloaded by HTTP, and with its hash and size.
func TestVerificationByOurRtmpdump(t *testing.T) {
	player := append([]byte("FWS\x09\x00\x20\x00\x00"), bytes.Repeat([]byte("a player"), 1023)...) // the header contains the size, 8192
	var fetched atomic.Int32
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fetched.Add(1)
		http.ServeContent(w, r, "", time.Now().Add(-time.Hour), bytes.NewReader(player))
	}))
	defer web.Close()
	hash, size, err := swf.Hash(t.Context(), web.URL+"/p.swf", &swf.Options{CacheFile: swf.NoCache})
	require.NoError(t, err)
	files := map[string][]byte{"film": film(t)}
	_, want := saved(t, rtmptest.Server(t, testserver.Config{Files: files}).URL("vod", "film"))
	for _, scheme := range []string{"rtmp", "rtmpe", "rtmpt", "rtmpte"} {
		t.Run(scheme, func(t *testing.T) {
			s := rtmptest.Server(t, testserver.Config{Scheme: scheme, Files: files, Player: &testserver.Player{Hash: hash, Size: size}})
			for name, test := range map[string]struct {
				args  []string
				known bool
			}{
				"fetched":           {[]string{"--swfVfy", web.URL + "/p.swf"}, true},
				"fetched, by URL":   {[]string{"-i", s.URL("vod", "film") + " swfUrl=" + web.URL + "/p.swf swfVfy=1"}, true},
				"known":             {[]string{"-w", fmt.Sprintf("%x", hash), "-x", fmt.Sprint(size)}, true},
				"another":           {[]string{"-w", fmt.Sprintf("%064x", 1), "-x", fmt.Sprint(size)}, false},
				"not proved":        {nil, false},
				"missing":           {[]string{"--swfVfy", "http://127.0.0.1:1/p.swf"}, false},
				"of another length": {[]string{"-w", fmt.Sprintf("%x", hash), "-x", "5"}, false},
			} {
				before := fetched.Load()
				file := filepath.Join(t.TempDir(), "out.flv")
				out := dump(t, append([]string{"-m", "5", "-r", s.URL("vod", "film"), "-o", file}, test.args...)...)
				got, err := os.ReadFile(file)
				require.NoError(t, err)
				if !test.known {
					assert.NotZero(t, out.code, "%s: %s", name, out.stderr)
					assert.Empty(t, got)
					continue
				}
				assert.Zero(t, out.code, "%s: %s", name, out.stderr)
				assert.True(t, bytes.Equal(want, got), name)
				if name != "known" {
					assert.Greater(t, fetched.Load(), before)
				}
			}
		})
	}
}
