package transport

import (
	"io"
	"net"
	"testing"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

// BenchmarkReceive and BenchmarkSend carry 64 KiB at a time, over plain TCP and through a tunnel.
func BenchmarkReceive(b *testing.B) {
	piece := make([]byte, 64<<10)
	endless := func(nc net.Conn) {
		for {
			if _, err := nc.Write(piece); err != nil {
				return
			}
		}
	}
	eachWay(b, endless, func(b *testing.B, nc net.Conn) {
		buf := make([]byte, len(piece))
		for b.Loop() {
			if _, err := io.ReadFull(nc, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSend(b *testing.B) {
	drain := func(nc net.Conn) { io.Copy(io.Discard, struct{ io.Reader }{nc}) }
	eachWay(b, drain, func(b *testing.B, nc net.Conn) {
		piece := make([]byte, 64<<10)
		for b.Loop() {
			if _, err := nc.Write(piece); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRoundTrip measures one small message and its answer.
func BenchmarkRoundTrip(b *testing.B) {
	eachWay(b, echo, func(b *testing.B, nc net.Conn) {
		piece := make([]byte, 100)
		b.SetBytes(2 * 100)
		for b.Loop() {
			nc.Write(piece)
			if _, err := io.ReadFull(nc, piece); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func eachWay(b *testing.B, serve func(net.Conn), run func(b *testing.B, nc net.Conn)) {
	b.Run("TCP", func(b *testing.B) {
		nc, err := net.Dial("tcp", conntest.Serve(b, serve))
		if err != nil {
			b.Fatal(err)
		}
		defer nc.Close()
		b.SetBytes(64 << 10)
		b.ReportAllocs()
		run(b, nc)
	})
	b.Run("tunnel", func(b *testing.B) {
		d, err := NewDialer(Config{})
		if err != nil {
			b.Fatal(err)
		}
		nc, err := d.DialTunnel(b.Context(), serveTunnel(b, serve), false)
		if err != nil {
			b.Fatal(err)
		}
		defer nc.Close()
		b.SetBytes(64 << 10)
		b.ReportAllocs()
		run(b, nc)
	})
}
