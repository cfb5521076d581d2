package main

import (
	"errors"
	"syscall"
)

// Windows' errors for a full disk and for a pipe without a reader.
const (
	errHandleDiskFull = syscall.Errno(39)
	errDiskFull       = syscall.Errno(112)
	errNoData         = syscall.Errno(232)
)

func diskFull(err error) bool {
	return errors.Is(err, errHandleDiskFull) || errors.Is(err, errDiskFull)
}

func pipeClosed(err error) bool {
	return errors.Is(err, syscall.ERROR_BROKEN_PIPE) || errors.Is(err, errNoData)
}
