package capturefile

import (
	"testing"

	"go.uber.org/goleak"
)

// Mutation testing (see CONTRIBUTING.md) makes changes that no test of this package notices. These have no effect on a file, but only
// on the use of memory:
//   - block.go: whether a block is stored or compressed when both take as much.
//   - filter.go: in how many spans a body is held, when memory is given back, and whether nothing is emitted or no call made.
//   - info.go: a space that is replaced by a space.
//   - recorder.go: a Scan of no bytes; a block that is just as long as the limit, or whose states are.
//   - redact.go, secrets.go: nothing at the end of a text, or a user without a name, that is replaced or not.
//   - secrets.go: whether a secret that is longer than a text is looked for in it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
