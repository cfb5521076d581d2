package web_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/programtest"
)

// npm starts to install the packages in testdata/mpegts/package-lock.json. Other tests may run meanwhile. modules waits until the packages
// are installed, and returns their folder.
func npm(t *testing.T) (modules func() string) {
	t.Helper()
	programtest.Need(t, "npm")
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json"} {
		content, err := os.ReadFile(filepath.Join("testdata", "mpegts", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	cmd.Dir = dir
	var out []byte
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		out, err = cmd.CombinedOutput()
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return func() string {
		<-done
		require.NoError(t, err, "%s", out)
		return filepath.Join(dir, "node_modules")
	}
}

// mpegtsPage is a page that plays a URL with mpegts.js.
const mpegtsPage = `<!doctype html><title>mpegts.js</title><video muted></video><script src="mpegts.js"></script><script>
const player = mpegts.createPlayer({ type: "flv", isLive: true, url: %q });
player.on(mpegts.Events.ERROR, (...what) => { document.body.append(what.join(" ")); });
player.attachMediaElement(document.querySelector("video"));
player.load();
player.play();
</script>`

// mpegts serves mpegts.js, and a page that uses it to play the stream in the query.
func mpegts(modules string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/mpegts.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(modules, "mpegts.js", "dist", "mpegts.js"))
	})
	mux.HandleFunc("/mpegts", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, mpegtsPage, r.URL.Query().Get("url")) })
	return mux
}
