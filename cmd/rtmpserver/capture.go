package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/go-librtmp/rtmp/server"
)

// captures creates a folder, and returns a function that records each connection to its own file there.
func captures(dir string, logger *slog.Logger) (func(*server.Conn) io.WriteCloser, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return func(c *server.Conn) io.WriteCloser {
		name := fmt.Sprintf("%s-%d.rtmpcap", time.Now().Format(timeInName), c.ID())
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			logger.Warn("connection not captured", "conn", c.ID(), "error", err)
			return nil
		}
		return f
	}, nil
}
