//go:build !windows

package vod

import (
	"errors"
	"syscall"
)

// isFull reports whether a write failed because there is no room: on the disk, or within what the user or the process may use.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
