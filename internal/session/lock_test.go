package session

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
)

// TestLock checks that only one goroutine at a time has the lock, and that waits that end early leave the lock usable.
func TestLock(t *testing.T) {
	var l lock
	l.init()
	var holders, taken int // guarded by l
	cancel := make(chan struct{})
	use := func() {
		holders++
		taken++
		assert.Equal(t, 1, holders)
		holders--
		l.unlock()
	}
	var users sync.WaitGroup
	for i := range 8 {
		users.Go(func() {
			for range 1000 {
				if l.join() {
					use()
					continue
				}
				var early <-chan struct{}
				if i%2 == 0 {
					early = cancel
				}
				select {
				case <-l.passed:
					use()
				case <-early:
					l.leave()
				}
			}
		})
	}
	for range 1000 {
		if l.try() {
			use()
		}
	}
	close(cancel)
	users.Wait()
	assert.GreaterOrEqual(t, taken, 4000)
	assert.True(t, l.try(), "no one has the lock")
}

// TestLockOrder checks that those who wait get the lock in the order in which they came, before others that try to take it.
func TestLockOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lock
		l.init()
		assert.True(t, l.try())
		var got []int
		use := make(chan struct{})
		for i := range 4 {
			go func() {
				assert.False(t, l.join())
				if i == 1 {
					l.leave()
					return
				}
				<-l.passed
				<-use
				got = append(got, i)
				l.unlock()
			}()
			synctest.Wait()
		}
		l.unlock()
		assert.False(t, l.try())
		close(use)
		synctest.Wait()
		assert.Equal(t, []int{0, 2, 3}, got)
		assert.True(t, l.try())

		passed := make(chan struct{})
		go func() {
			assert.False(t, l.join())
			<-passed
			l.leave() // passes the lock on
			close(passed)
		}()
		synctest.Wait()
		l.unlock()
		passed <- struct{}{}
		<-passed
		assert.True(t, l.try())
		l.unlock()
	})
}

// TestLockLeave checks that a wait that ends early never waits for a goroutine that came later and got the lock.
func TestLockLeave(t *testing.T) {
	for range 100_000 {
		var l lock
		l.init()
		l.try()
		l.join()
		left := make(chan struct{})
		var users sync.WaitGroup
		users.Go(func() {
			l.leave()
			close(left)
		})
		users.Go(func() {
			if !l.join() {
				<-l.passed
			}
			<-left
			l.unlock()
		})
		l.unlock()
		users.Wait()
	}
}
