package show

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestTicks checks that labels are short numbers.
func TestTicks(t *testing.T) {
	for high := 0.01; high < 1e6; high *= 1.07 {
		for _, tick := range ticks(0, high) {
			if tick.Label == "" {
				continue
			}
			assert.NotEqual(t, "-0", tick.Label, high)
			assert.LessOrEqual(t, len(tick.Label), 8, tick.Label)
			n, err := strconv.ParseFloat(tick.Label, 64)
			assert.NoError(t, err)
			assert.InDelta(t, tick.Value, n, high/1e6)
		}
	}
}
