//go:build !windows

package vod

import (
	"errors"
	"syscall"
)

// isFull reports whether a write failed because the disk is full, or because of a quota or a limit of the process.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
