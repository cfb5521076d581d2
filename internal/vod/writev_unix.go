//go:build unix

package vod

import (
	"io"
	"os"
	"syscall"

	"github.com/go-librtmp/rtmp/internal/iov"
)

// writev writes pieces, which it changes.
func writev(f *os.File, pieces [][]byte) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	for len(pieces) > 0 {
		var n int
		var failure error
		err := raw.Write(func(fd uintptr) bool {
			n, failure = iov.Write(int(fd), pieces)
			return true
		})
		switch {
		case err != nil:
			return err
		case failure == syscall.EINTR:
			continue
		case failure != nil:
			return &os.PathError{Op: "write", Path: f.Name(), Err: failure}
		case n == 0:
			return io.ErrShortWrite
		}
		for len(pieces) > 0 && n >= len(pieces[0]) {
			n -= len(pieces[0])
			pieces = pieces[1:]
		}
		if n > 0 {
			pieces[0] = pieces[0][n:]
		}
	}
	return nil
}
