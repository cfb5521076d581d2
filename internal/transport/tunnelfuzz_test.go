package transport

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzSessionID checks that a session id that is accepted does not change when it is put into a path and extracted again.
func FuzzSessionID(f *testing.F) {
	for _, id := range []string{"1", "C0FFEE", "a-b_c.d~e:f@g=h", "a%2fb", "a/b", "..", "\x00", "h\u017f", "a?b#c"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if checkSessionID(id) != nil {
			return
		}
		path := "/send/" + id + "/0"
		asked := tunnelURL("http", "server.test", path).String()
		assert.Equal(t, "http://server.test"+path, asked)
		assert.Len(t, strings.Split(asked, "/"), 6)
		got, err := url.Parse(asked)
		require.NoError(t, err)
		assert.Equal(t, path, got.Path)
	})
}

// FuzzTunnelServer checks that the server answers every request, and never sends more bytes than the session has written.
func FuzzTunnelServer(f *testing.F) {
	f.Add("POST", "/open/1", "\x00", uint8(0))
	f.Add("POST", "/send/ID/0", "hello", uint8(1))
	f.Add("POST", "/idle/ID/18446744073709551615", "", uint8(3))
	f.Add("POST", "/close/ID/7", "x", uint8(200))
	f.Add("GET", "//ID//", "", uint8(0))
	f.Fuzz(func(t *testing.T, method, path, body string, again uint8) {
		s := NewTunnelServer(echo)
		defer s.Close()
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("POST", "/open/1", nil))
		id := strings.TrimSpace(w.Body.String())
		said := 0
		for range min(again, 3) + 1 {
			w := httptest.NewRecorder()
			s.ServeHTTP(w, &http.Request{Method: method, URL: &url.URL{Path: strings.ReplaceAll(path, "ID", id)},
				Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}})
			if w.Code == 200 && path != "/open/1" {
				said += w.Body.Len() - 1
				assert.Equal(t, strconv.Itoa(w.Body.Len()), w.Header().Get("Content-Length"))
			}
		}
		assert.LessOrEqual(t, said, len(body)) // each number is used only once
	})
}
