package capturefile

import (
	"testing"

	"go.uber.org/goleak"
)

// Mutation testing (see CONTRIBUTING.md) makes changes that no test of this package notices. These have no effect on a file, but only
// on the use of memory:
//   - block.go: whether a block is compressed if this does not change its size.
//   - filter.go: the number of spans of a body, memory of exactly the maximum size, and calls of Emit with no bytes.
//   - info.go: replacing a space by a space.
//   - recorder.go: a Scan of no bytes; a block, or its states, of exactly the maximum size.
//   - redact.go: whether a loop is entered once more after the last property.
//   - redact.go, secrets.go: whether an empty string at the end, or an empty user name, is replaced.
//   - secrets.go: whether a secret is searched for in a shorter string.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
