package vod

import (
	"errors"

	"golang.org/x/sys/windows"
)

// isFull reports whether a write failed because the disk is full, or because of a quota.
func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) || errors.Is(err, windows.ERROR_DISK_QUOTA_EXCEEDED)
}
