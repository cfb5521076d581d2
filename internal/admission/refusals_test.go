package admission

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Refusals
		assert.Equal(t, 1, r.Add(), "the first")
		for range 1000 {
			assert.Zero(t, r.Add())
		}
		time.Sleep(logEvery - 1)
		assert.Zero(t, r.Add())
		time.Sleep(time.Nanosecond)
		assert.Equal(t, 1002, r.Add())
		assert.Zero(t, r.Add())
	})
}
