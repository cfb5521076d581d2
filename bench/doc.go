// Package bench holds what is only needed to compare this library with others: tests against peers that are written in Go
// or come from npm, and a comparison of what the same work costs with each of them. It is a module of its own so that the
// library's go.mod stays small. README.md says how to run it.
package bench
