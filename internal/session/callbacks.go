package session

import (
	"runtime/debug"
	"sync"

	"github.com/go-librtmp/rtmp/message"
)

// Callbacks runs the program's functions one at a time, in the order in which they were queued, on its own goroutine. The reader never runs
// them, so they may use the connection. The zero value is ready to use.
type Callbacks struct {
	// Panicked is called on the goroutine of Callbacks when a function has panicked, and should end the connection. Set it before the first
	// Run. If it is nil, the panic ends the program.
	Panicked func(err *message.PanicError)

	// Backlog, if not nil, replaces the limit MaxCallbackBytes: no callback is refused, but the reader stops while the Backlog is full. Set
	// it before the first Run.
	Backlog *Backlog

	mu      sync.Mutex // guards the fields below
	queue   []callback
	bytes   int // memory of queue and of the running function
	running bool
	ended   bool
}

type callback struct {
	run  func()
	size int // memory that the callback holds, in bytes
}

// Run queues f, which holds size bytes of memory. It returns false if there is no room. After End it does nothing.
func (c *Callbacks) Run(size int, f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return true
	}
	size += CallbackSize
	if c.Backlog == nil && c.bytes > 0 && c.bytes+size > MaxCallbackBytes {
		return false
	}
	c.add(callback{run: f, size: size})
	return true
}

// Busy reports whether a function is running or waiting.
func (c *Callbacks) Busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running
}

// add queues a callback, and starts the goroutine if it is not running. The caller holds c.mu.
func (c *Callbacks) add(f callback) {
	c.grow(f.size)
	c.queue = append(c.queue, f)
	if !c.running {
		c.running = true
		go c.serve() // the goroutine is not joined, since a handler may close the connection and wait for that
	}
}

// grow adds to the count of bytes. The caller holds c.mu.
func (c *Callbacks) grow(size int) {
	c.bytes += size
	if c.Backlog != nil {
		c.Backlog.Queued(c.bytes)
	}
}

// Finish drops the queued functions. f runs after the function that is running, and nothing runs after f.
func (c *Callbacks) Finish(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.ended, c.queue = true, nil
		c.add(callback{run: f})
	}
}

// End drops the queued functions. It does not wait for the running function.
func (c *Callbacks) End() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended, c.queue = true, nil
}

func (c *Callbacks) serve() {
	c.mu.Lock()
	for len(c.queue) > 0 {
		next := c.queue[0]
		c.queue[0] = callback{} // release the function, since the array may stay in use
		c.queue = c.queue[1:]
		c.mu.Unlock()
		c.call(next.run)
		c.mu.Lock()
		c.grow(-next.size)
	}
	c.running, c.queue = false, nil
	c.mu.Unlock() // not deferred, since a panic that ends the program happens without the lock
}

// call calls f, and passes a panic of f to Panicked.
func (c *Callbacks) call(f func()) {
	if c.Panicked != nil {
		defer func() {
			if v := recover(); v != nil {
				c.Panicked(&message.PanicError{Value: v, Stack: debug.Stack()})
			}
		}()
	}
	f()
}
