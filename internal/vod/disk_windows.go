package vod

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// lock makes other processes that record find the file busy. It ends with the file. The byte that is locked is far past the last,
// since a lock keeps others from reading on Windows. File systems without locks have none.
func lock(file *os.File) error {
	const far = 1 << 30 // the upper half of its position
	const how = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(file.Fd()), how, 0, 1, 0, &windows.Overlapped{OffsetHigh: far})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrBusy
	}
	return nil
}

// freeSpace returns how many bytes may be written to the disk that a file is on.
func freeSpace(file *os.File) (int64, error) {
	dir, err := windows.UTF16PtrFromString(filepath.Dir(file.Name()))
	if err != nil {
		return 0, err
	}
	var free uint64
	err = windows.GetDiskFreeSpaceEx(dir, &free, nil, nil)
	return int64(min(free, 1<<62)), err
}
