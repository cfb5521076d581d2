//go:build linux || darwin || freebsd || dragonfly

package vod

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock locks the file until it is closed, so that other processes do not record to it. It has no effect on file systems without locks.
func lock(file *os.File) error {
	err := control(file, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrBusy
	}
	return nil
}

// freeSpace returns the number of bytes that are available on the file's disk.
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
