package edge

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Where a stream is fetched from: what the URL lacks is the stream's, and a name can't bring options along.
func TestTarget(t *testing.T) {
	e := New(Options{ID: "me"})
	defer e.Close()
	for _, test := range []struct{ base, path, app, name string }{
		{"rtmp://h", "live/x", "live", "x"},
		{"rtmp://h/", "live/x", "live", "x"},
		{"rtmp://h/", "live/room/x", "live", "room/x"},
		{"rtmp://h/other", "live/x", "", "x"},
		{"rtmp://h/other/", "live/x", "", "x"},
		{"rtmp://h/other/fixed", "live/x", "", ""},
		{"rtmp://h/other/?key=k", "live/x", "", "x?key=k"},
		{"rtmp://h/other pageUrl=p", "live/x", "", "x"},
		{"rtmp://h/other/", "live/x socks=127.0.0.1:1", "", "x socks=127.0.0.1:1"},
	} {
		require.NoError(t, Check(test.base))
		url, o := e.target(test.base, test.path, []string{"other"})
		assert.Equal(t, test.base, url)
		assert.Equal(t, test.app, o.App, test.base)
		assert.Equal(t, test.name, o.Playpath, test.base)
		via, _ := o.ConnectFields.Get(viaField)
		assert.Equal(t, "me other", via)
		c, err := rtmp.New(url, o)
		require.NoError(t, err)
		c.Close()
	}
	for _, url := range []string{"http://h/", "h", "rtmp://", "rtmp://h/live nonsense=1"} {
		assert.Error(t, Check(url), url)
	}
}
