//go:build !race

package rtmptest

// Race reports whether the race detector is in use.
const Race = false
