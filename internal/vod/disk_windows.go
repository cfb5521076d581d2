package vod

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// lock locks the file until it is closed, so that other processes do not record to it. It locks one byte far after the end, since on
// Windows other processes cannot read locked bytes. It has no effect on file systems without locks.
func lock(file *os.File) error {
	const far = 1 << 30 // upper 32 bits of the position
	const how = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(file.Fd()), how, 0, 1, 0, &windows.Overlapped{OffsetHigh: far})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrBusy
	}
	return nil
}

// freeSpace returns the number of bytes that are available on the file's disk.
func freeSpace(file *os.File) (int64, error) {
	dir, err := windows.UTF16PtrFromString(filepath.Dir(file.Name()))
	if err != nil {
		return 0, err
	}
	var free uint64
	err = windows.GetDiskFreeSpaceEx(dir, &free, nil, nil)
	return int64(min(free, 1<<62)), err
}
