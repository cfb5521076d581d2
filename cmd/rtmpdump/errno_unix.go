//go:build !windows

package main

import (
	"errors"
	"syscall"
)

func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func pipeClosed(err error) bool { return errors.Is(err, syscall.EPIPE) }
