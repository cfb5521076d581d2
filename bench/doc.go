// Package bench compares this library with others: it contains tests with peers written in Go or installed from npm, and benchmarks that do
// the same work with each library. It is a separate module so that the library's go.mod stays small. README.md says how to run it.
package bench
