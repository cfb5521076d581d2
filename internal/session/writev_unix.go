//go:build linux || darwin || illumos

package session

import "golang.org/x/sys/unix"

func writev(fd int, b [][]byte) (int, error) { return unix.Writev(fd, b) }
