package programtest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

// NginxModule is the path of nginx-rtmp in Debian.
const NginxModule = "/usr/lib/nginx/modules/ngx_rtmp_module.so"

// Nginx runs nginx-rtmp until the test ends, and returns its address. The application vod plays the files in the folder recordings, live
// serves live streams, and rec also records them to that folder.
func Nginx(t testing.TB, recordings string) (addr string) {
	t.Helper()
	Need(t, "nginx", NginxModule)
	addr = "127.0.0.1:" + conntest.UnusedPort(t)
	dir := t.TempDir()
	require.NoError(t, os.Chmod(recordings, 0o755))
	config := fmt.Sprintf(`load_module %s; master_process off; daemon off; pid %s/pid; error_log %s/error.log;
		events { worker_connections 64; }
		rtmp { access_log off; server { listen %s;
			application vod { play %s; }
			application live { live on; }
			application rec { live on; record all; record_path %s; } } }`, NginxModule, dir, dir, addr, recordings, recordings)
	if os.Getuid() == 0 {
		config = "user root; " + config
	}
	file := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o644))
	Start(t, "nginx", "-c", file, "-e", filepath.Join(dir, "error.log"))
	conntest.UntilListening(t, addr)
	return addr
}
