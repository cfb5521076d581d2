//go:build linux || darwin || freebsd || dragonfly

package vod

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock makes other processes that record find the file busy. It ends with the file. File systems without locks have none.
func lock(file *os.File) error {
	err := control(file, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrBusy
	}
	return nil
}

// freeSpace returns how many bytes may be written to the disk that a file is on.
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
