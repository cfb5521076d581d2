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

// captures returns a function that records each connection to its own file in a folder.
func captures(dir string, logger *slog.Logger) func(*server.Conn) io.WriteCloser {
	return func(c *server.Conn) io.WriteCloser {
		name := fmt.Sprintf("%s-%d.rtmpcap", time.Now().Format(timeInName), c.ID())
		err := os.MkdirAll(dir, 0o700)
		if err == nil {
			var f *os.File
			if f, err = os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err == nil {
				return f
			}
		}
		logger.Warn("connection not captured", "conn", c.ID(), "error", err)
		return nil
	}
}
