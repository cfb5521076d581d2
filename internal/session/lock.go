package session

import (
	"runtime"
	"sync/atomic"
)

// lock is a mutual exclusion lock. Unlike with a sync.Mutex, a wait for it can end early. It could be a channel with one slot, but if no
// goroutine waits, a channel costs several times as much.
type lock struct {
	users  atomic.Int32  // the holder and the goroutines that wait
	passed chan struct{} // one slot: unlock passes the lock to the goroutine that has waited longest
}

func (l *lock) init() { l.passed = make(chan struct{}, 1) }

// try takes the lock if it is free, and reports whether it has done so.
func (l *lock) try() bool { return l.users.CompareAndSwap(0, 1) }

// join takes the lock if it is free. If it returns false, the caller waits for the lock: it must either receive from passed, and then has
// the lock, or call leave.
func (l *lock) join() bool { return l.users.Add(1) == 1 }

// leave ends a wait for the lock. It does not wait for the holder.
func (l *lock) leave() {
	for {
		if n := l.users.Load(); n > 1 {
			if l.users.CompareAndSwap(n, n-1) { // if the lock has been passed already, another goroutine that waits gets it
				return
			}
			continue
		}
		select { // no one else is left: the lock has been passed to the caller, or is about to be, unless someone comes meanwhile and gets it
		case <-l.passed:
			l.unlock()
			return
		default:
			runtime.Gosched()
		}
	}
}

func (l *lock) unlock() {
	if l.users.Add(-1) > 0 {
		l.passed <- struct{}{}
	}
}
