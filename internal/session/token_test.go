package session

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestToken checks that only one goroutine at a time has the token, and that every waiter gets the token in the end.
func TestToken(t *testing.T) {
	var k token
	k.init()
	var wg sync.WaitGroup
	had := 0 // not atomic, so that the race detector reports a second holder
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				k.waiting.Add(1)
				for !k.take() {
					<-k.released
				}
				k.waiting.Add(-1)
				had++
				k.give()
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 8000, had)
	assert.Zero(t, k.waiting.Load())
	assert.True(t, k.take())
	assert.False(t, k.take())
	for len(k.released) > 0 { // signals for waiters that took the token without them
		<-k.released
	}
	k.give()
	assert.Empty(t, k.released, "nobody waits")
}
