//go:build race

package rtmptest

// Race reports whether the race detector is in use. It makes tests about ten times slower, so tests that inject a fault at every position
// then take some of the positions: those without it check what happens at each.
const Race = true
