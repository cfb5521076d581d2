//go:build !windows && !linux && !darwin && !freebsd && !dragonfly

package vod

import (
	"math"
	"os"
)

// lock does nothing on this system: other processes are not noticed.
func lock(*os.File) error { return nil }

// freeSpace returns no limit on this system: a full disk is noticed when a write fails.
func freeSpace(*os.File) (int64, error) { return math.MaxInt64, nil }
