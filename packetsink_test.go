package rtmp

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/internal/session"
)

// TestWhichMemoryIsGivenAway checks that ReadPacket gives away memory of a packet only if it has provided that memory itself and the program
// passes it again.
func TestWhichMemoryIsGivenAway(t *testing.T) {
	const size = 2 * minSpare
	read := func(k *packetSink, p *Packet, n int) {
		k.p, k.taken = p, false
		k.spare()
		k.take(&session.Message{Packet: Packet{Body: make([]byte, n)}})
	}
	for name, test := range map[string]struct {
		first  Packet
		n      int
		change func(p *Packet)
		given  bool
	}{
		"same packet":               {n: size, change: func(*Packet) {}, given: true},
		"same memory":               {n: size, change: func(p *Packet) { *p = Packet{Body: p.Body[:0]} }, given: true},
		"small":                     {n: minSpare - 1, change: func(*Packet) {}},
		"large":                     {n: maxSpare + 1, change: func(*Packet) {}},
		"memory of the program":     {n: size, first: Packet{Body: make([]byte, 0, size)}, change: func(*Packet) {}},
		"new packet":                {n: size, change: func(p *Packet) { *p = Packet{} }},
		"a part of it":              {n: size, change: func(p *Packet) { p.Body = p.Body[1:] }},
		"another part of it":        {n: size, change: func(p *Packet) { p.Body = p.Body[:minSpare:minSpare] }},
		"new memory of the program": {n: size, change: func(p *Packet) { p.Body = make([]byte, size) }},
	} {
		t.Run(name, func(t *testing.T) {
			p := test.first
			var k packetSink
			read(&k, &p, test.n)
			kept := bytes.Clone(p.Body)
			was := p.Body
			test.change(&p)
			passed := p.Body
			k.p = &p
			k.spare()
			assert.Equal(t, test.given, passed != nil && p.Body == nil)
			if !test.given {
				assert.Equal(t, passed, p.Body)
				assert.Equal(t, kept, was)
			}
			k.spare() // after a timeout
			read(&k, &p, size)
			assert.Len(t, p.Body, size)
		})
	}
}
