package rtmp

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/message"
)

// floodServer answers as far as play and then sends the same media for ever, until the client leaves.
func floodServer(b *testing.B, chunkSize int, sizes []int) (url string, perRound int) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	p := &peer{out: chunk.NewWriter()}
	setSize := p.encode(control(message.TypeSetChunkSize, binary.BigEndian.AppendUint32(nil, uint32(chunkSize))))
	var prefix, round []byte
	for round = nil; len(round) < 512<<10; {
		for i, size := range sizes {
			o := chunk.Outgoing{Type: 8 + uint8(i%2), ChunkStreamID: 4 + uint32(i%2), StreamID: 1, Format: chunk.Format1, Body: make([]byte, size)}
			round = append(round, p.encode(o)...)
			if prefix == nil {
				o.Format = chunk.Format0
			}
		}
		if prefix == nil { // the first round has the whole headers
			prefix, round = round, nil
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		if _, err := handshake.Server(nc, handshake.Config{}); err != nil {
			return
		}
		s := &peer{nc: nc, in: chunk.NewReader(nc, 0), out: chunk.NewWriter()}
		s.play()
		if _, err := nc.Write(append(setSize, prefix...)); err != nil {
			return
		}
		go io.Copy(io.Discard, nc)
		for {
			if _, err := nc.Write(round); err != nil {
				return
			}
		}
	}()
	b.Cleanup(func() { l.Close(); <-done })
	return "rtmp://" + l.Addr().String() + "/app/play", len(round)
}

// BenchmarkRawTCP is the floor: reading the same amount of bytes from the same kind of sender, and nothing else.
func BenchmarkRawTCP(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	defer l.Close()
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		for round := make([]byte, 512<<10); err == nil; {
			_, err = nc.Write(round)
		}
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	require.NoError(b, err)
	defer nc.Close()
	measure(b, nc)
}

// measure reads 1 MiB at an iteration.
func measure(b *testing.B, r io.Reader) {
	const size = 1 << 20
	buf := make([]byte, 64<<10)
	b.SetBytes(size)
	b.ReportAllocs()
	cpu := cpuTime()
	for b.Loop() {
		for left := size; left > 0; {
			n, err := r.Read(buf[:min(left, len(buf))])
			if err != nil {
				b.Fatal(err)
			}
			left -= n
		}
	}
	b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/float64(b.N)/1e6*1e3, "cpu-µs/MiB")
}

// BenchmarkPlay reads FLV from a server in the same process; cpu-µs/MiB holds both ends, as in BenchmarkRawTCP.
func BenchmarkPlay(b *testing.B) {
	for _, mix := range []struct {
		name  string
		sizes []int
	}{{"300B", []int{300}}, {"6KB-mix", []int{300, 17400, 300}}, {"60KB", []int{60_000}}} {
		for _, chunkSize := range []int{128, 4096, 65536} {
			b.Run(fmt.Sprintf("%s/chunk-%d", mix.name, chunkSize), func(b *testing.B) {
				url, _ := floodServer(b, chunkSize, mix.sizes)
				c, err := Dial(b.Context(), url, nil)
				require.NoError(b, err)
				defer c.Close()
				s, err := c.CreateStream(b.Context(), nil)
				require.NoError(b, err)
				measure(b, s)
			})
		}
	}
}
