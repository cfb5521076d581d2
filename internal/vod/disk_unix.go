//go:build linux || darwin || freebsd || dragonfly

package vod

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock makes other processes that record find the file busy. The lock ends when the file is closed. It has no effect on
// file systems without locks.
func lock(file *os.File) error {
	err := control(file, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrBusy
	}
	return nil
}

// freeSpace returns the number of bytes that may still be written to the file's disk.
func freeSpace(file *os.File) (int64, error) {
	var s unix.Statfs_t
	err := control(file, func(fd int) error { return unix.Fstatfs(fd, &s) })
	return int64(s.Bavail) * int64(s.Bsize), err
}

// control calls f with the file's descriptor.
func control(file *os.File, f func(fd int) error) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return err
	}
	return failed
}
