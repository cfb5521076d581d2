package chunk

import (
	"bytes"
	"sync"
	"testing"
)

// TestDroppedBodiesAreOthers checks that a Reader does not use the buffer of a body that it has dropped, since the buffer may belong to
// another Reader by then. If it does, the race detector reports a race, or the count of bytes held is wrong.
func TestDroppedBodiesAreOthers(t *testing.T) {
	script := func(size int) []byte { // messages that begin and are then aborted
		var b []byte
		for range 3000 {
			b = append(b, 0x06, 0, 0, 0, 0, 0xff, 0xff, 9, 1, 0, 0, 0)
			b = append(b, make([]byte, size)...)
			b = append(b, 0x02, 0, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 0, 0, 0, 6)
		}
		return b
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			r := NewReader(bytes.NewReader(script(128)), 0)
			var m Message
			for r.Next(&m) == nil {
			}
			if r.held != 0 || len(r.partial) != 0 {
				t.Errorf("reader %d: %d bytes held, %d partial", i, r.held, len(r.partial))
			}
		})
	}
	wg.Wait()
}
