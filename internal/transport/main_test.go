package transport

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	for _, name := range []string{"ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUEST_METHOD",
		"all_proxy", "http_proxy", "https_proxy", "no_proxy"} {
		os.Unsetenv(name)
	}
	goleak.VerifyTestMain(m)
}
