//go:build !windows && !linux && !darwin && !freebsd && !dragonfly

package vod

import (
	"math"
	"os"
)

// lock does nothing on this system, where other processes are not detected.
func lock(*os.File) error { return nil }

// freeSpace returns no limit on this system, where a full disk is detected when a write fails.
func freeSpace(*os.File) (int64, error) { return math.MaxInt64, nil }
