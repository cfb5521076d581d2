package live_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Mutation testing (see CONTRIBUTING.md) finds these changes that no test notices, since they have no effect:
//   - member.go: adding 0 to a counter.
//   - stream.go: choosing the other of two pushers with equally many members.

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
