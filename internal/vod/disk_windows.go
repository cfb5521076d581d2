package vod

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// lock makes other processes that record find the file busy. The lock ends when the file is closed. It locks a byte
// far after the end, since on Windows a lock keeps others from reading. It has no effect on file systems without
// locks.
func lock(file *os.File) error {
	const far = 1 << 30 // upper half of the position
	const how = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(file.Fd()), how, 0, 1, 0, &windows.Overlapped{OffsetHigh: far})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrBusy
	}
	return nil
}

// freeSpace returns the number of bytes that may still be written to the file's disk.
func freeSpace(file *os.File) (int64, error) {
	dir, err := windows.UTF16PtrFromString(filepath.Dir(file.Name()))
	if err != nil {
		return 0, err
	}
	var free uint64
	err = windows.GetDiskFreeSpaceEx(dir, &free, nil, nil)
	return int64(min(free, 1<<62)), err
}
