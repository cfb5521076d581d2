//go:build linux || darwin || illumos

package iov

import "golang.org/x/sys/unix"

// Write writes buffers, at most Max of which are used, to fd with one system call.
func Write(fd int, buffers [][]byte) (int, error) {
	return unix.Writev(fd, buffers[:min(len(buffers), Max)])
}
