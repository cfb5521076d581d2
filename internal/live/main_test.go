package live_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Mutation testing (see CONTRIBUTING.md) makes these changes, which no test notices because they have no effect: adding 0 to a counter in
// member.go, and choosing the other of two pushers with equally many members in stream.go.

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
