package bench

import (
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

const (
	readSize  = 64 << 10  // of one read, bytes
	writeSize = 256 << 10 // of one write
)

// BenchmarkRead reads the mix with each library, at librtmp's chunk size and at a usual one. An iteration is 1 MiB of FLV.
// Compare cpu-s/GB, CPU seconds per gigabyte of FLV, with that of raw reads in the same run.
func BenchmarkRead(b *testing.B) {
	b.Run("raw", func(b *testing.B) {
		addr, _ := startCounterpart(b, "send")
		nc, err := net.Dial("tcp", addr)
		require.NoError(b, err)
		defer nc.Close()
		buf := make([]byte, readSize)
		measureReads(b, func() (int, error) { return nc.Read(buf) })
	})
	for _, chunkSize := range []int{128, 4096} {
		b.Run(fmt.Sprintf("chunk-%d", chunkSize), func(b *testing.B) {
			play := fmt.Sprintf("play %d", chunkSize)
			b.Run("ours", func(b *testing.B) {
				s := playing(b, play)
				buf := make([]byte, readSize)
				measureReads(b, func() (int, error) { return s.Read(buf) })
			})
			b.Run("ours-packets", func(b *testing.B) {
				s := playing(b, play)
				var p rtmp.Packet
				measureReads(b, func() (int, error) {
					err := s.ReadPacket(&p)
					return flv.TagOverhead + len(p.Body), err
				})
			})
			b.Run("librtmp", func(b *testing.B) {
				program := compile(b)
				addr, _ := startCounterpart(b, play)
				runLibrtmp(b, 1<<20, program, "play", "rtmp://"+addr+"/app/stream live=1", fmt.Sprint(int64(b.N)<<20))
			})
			b.Run("gortmplib", func(b *testing.B) { readWithGortmplib(b, play) })
			b.Run("go-rtmp", func(b *testing.B) { readWithGoRTMP(b, chunkSize) })
		})
	}
}

// BenchmarkPublish publishes the mix with each library to a peer that only receives, beside raw writes of as much. An
// iteration is 1 MiB of FLV, a little more to be exact. librtmp can't send other chunks than of 128 bytes.
func BenchmarkPublish(b *testing.B) {
	file := mixFLV()
	b.Run("raw", func(b *testing.B) {
		addr, _ := startCounterpart(b, "sink")
		nc, err := net.Dial("tcp", addr)
		require.NoError(b, err)
		defer nc.Close()
		measureWrites(b, func() error { return inPieces(nc, file) })
	})
	for _, chunkSize := range []int{128, 4096} {
		b.Run(fmt.Sprintf("chunk-%d", chunkSize), func(b *testing.B) {
			b.Run("ours", func(b *testing.B) {
				s := publishing(b, chunkSize)
				measureWrites(b, func() error { return inPieces(s, file) })
			})
			b.Run("ours-packets", func(b *testing.B) {
				s := publishing(b, chunkSize)
				var packets []rtmp.Packet
				for _, tag := range mix() {
					packets = append(packets, rtmp.Packet{Type: message.Type(tag.Type), Body: tag.Body})
				}
				measureWrites(b, func() error {
					for i := range packets {
						if err := s.WritePacket(&packets[i]); err != nil {
							return err
						}
					}
					return nil
				})
			})
			if chunkSize == 128 {
				b.Run("librtmp", func(b *testing.B) { publishWithLibrtmp(b, file) })
			} else {
				b.Run("gortmplib-65536", publishWithGortmplib) // it knows no other size
			}
			b.Run("go-rtmp", func(b *testing.B) { publishWithGoRTMP(b, chunkSize) })
		})
	}
}

func inPieces(w io.Writer, b []byte) error {
	for len(b) > 0 {
		n, err := w.Write(b[:min(len(b), writeSize)])
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// measureReads reads b.N MiB.
func measureReads(b *testing.B, read func() (int, error)) {
	measure(b, 1<<20, func() error {
		for left := int64(b.N) << 20; left > 0; {
			n, err := read()
			if err != nil {
				return err
			}
			left -= int64(n)
		}
		return nil
	})
}

// measureWrites writes the mix b.N times.
func measureWrites(b *testing.B, write func() error) {
	measure(b, len(mixFLV()), func() error {
		for range b.N {
			if err := write(); err != nil {
				return err
			}
		}
		return nil
	})
}

// measure runs b.N iterations of so many bytes each.
func measure(b *testing.B, size int, run func() error) {
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	before := cpuTime()
	err := run()
	used := cpuTime() - before
	b.StopTimer()
	require.NoError(b, err)
	reportCPU(b, used.Seconds(), size)
}

// reportCPU reports what b.N iterations of so many bytes each have taken.
func reportCPU(b *testing.B, seconds float64, size int) {
	b.ReportMetric(seconds*1e9/(float64(size)*float64(b.N)), "cpu-s/GB")
}

// playing plays from a counterpart with this library.
func playing(b *testing.B, what string) *rtmp.Stream {
	addr, _ := startCounterpart(b, what)
	c, err := rtmp.Dial(b.Context(), "rtmp://"+addr+"/app/stream", &rtmp.Options{Live: true})
	require.NoError(b, err)
	b.Cleanup(func() { c.Close() })
	s, err := c.CreateStream(b.Context(), nil)
	require.NoError(b, err)
	return s
}

// publishing publishes to a counterpart with this library.
func publishing(b *testing.B, chunkSize int) *rtmp.Stream {
	addr, _ := startCounterpart(b, "accept")
	c, err := rtmp.Dial(b.Context(), "rtmp://"+addr+"/app/stream", &rtmp.Options{Publish: true, ChunkSize: chunkSize})
	require.NoError(b, err)
	b.Cleanup(func() { c.Close() })
	s, err := c.CreateStream(b.Context(), &rtmp.StreamOptions{Writable: true})
	require.NoError(b, err)
	return s
}
