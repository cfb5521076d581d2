package server_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		serveAsChild(dir)
		return
	}
	goleak.VerifyTestMain(m)
}
