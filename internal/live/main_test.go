package live_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Mutation testing (see CONTRIBUTING.md) makes changes that no test notices, because they have no effect:
//   - member.go: whether 0 is added to a counter.
//   - stream.go: which of two pushers with equally many members gets a member.

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
