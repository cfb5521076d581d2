//go:build !windows && !linux && !darwin && !freebsd && !dragonfly

package vod

import (
	"math"
	"os"
)

// lock does nothing. On this system, recordings by other processes are not detected.
func lock(*os.File) error { return nil }

// freeSpace returns the largest number. On this system, a full disk is detected only when a
// write fails.
func freeSpace(*os.File) (int64, error) { return math.MaxInt64, nil }
