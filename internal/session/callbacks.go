package session

import (
	"runtime/debug"
	"sync"

	"github.com/go-librtmp/rtmp/message"
)

// Callbacks runs the program's functions one at a time, in the order of arrival, on a goroutine of its own. The reader never
// runs them, so they may use the connection. The zero value is ready.
type Callbacks struct {
	// Panicked is called on that goroutine when a function has panicked, and should end the connection. Set it before the first
	// Run. If it is nil, the panic ends the program.
	Panicked func(err *message.PanicError)

	// Backlog replaces MaxCallbackBytes: instead of refusing callbacks, it stops the reader while it is full. Set it before the
	// first Run.
	Backlog *Backlog

	mu      sync.Mutex // guards the rest
	queue   []callback
	bytes   int // of queue, and of what runs
	running bool
	ended   bool
}

type callback struct {
	run  func()
	size int // bytes of memory that run holds
}

// Run queues f, which holds size bytes of memory. It reports false if there is no room. After End it does nothing.
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

// Busy reports whether a function runs or waits to be run.
func (c *Callbacks) Busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running
}

// add queues what there is room for. The caller holds c.mu.
func (c *Callbacks) add(f callback) {
	c.grow(f.size)
	c.queue = append(c.queue, f)
	if !c.running {
		c.running = true
		go c.serve() // not joined: a handler may be what ends the connection, and waits for that
	}
}

// grow counts bytes. The caller holds c.mu.
func (c *Callbacks) grow(size int) {
	c.bytes += size
	if c.Backlog != nil {
		c.Backlog.Queued(c.bytes)
	}
}

// Finish drops what is queued, has f run after the function that runs, and nothing after f.
func (c *Callbacks) Finish(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.ended, c.queue = true, nil
		c.add(callback{run: f})
	}
}

// End drops what is queued. It does not wait for the function that runs.
func (c *Callbacks) End() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended, c.queue = true, nil
}

func (c *Callbacks) serve() {
	for {
		c.mu.Lock()
		if len(c.queue) == 0 {
			c.running, c.queue = false, nil
			c.mu.Unlock()
			return
		}
		next := c.queue[0]
		c.queue[0] = callback{} // the array may live on
		c.queue = c.queue[1:]
		c.mu.Unlock()
		c.call(next.run)
		c.mu.Lock()
		c.grow(-next.size)
		c.mu.Unlock()
	}
}

// call calls f, and reports its panic.
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
