package vod

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
)

// BenchmarkPlay plays a file to sockets on the loopback interface, whose other ends discard everything in the kernel. It reports the CPU
// time per GB for three ways to send the file: with io.Copy, as HTTP-FLV, and as RTMP, where headers of twelve bytes replace the tag
// headers.
func BenchmarkPlay(b *testing.B) {
	const players = 8
	f, dir := benchmarkFolder(b)
	path := filepath.Join(dir, "a.flv")
	for _, c := range []struct {
		name string
		play func(w net.Conn) error
	}{
		{"copy", func(w net.Conn) error {
			file, err := os.Open(path)
			if err == nil {
				_, err = io.Copy(w, file)
				file.Close()
			}
			return err
		}},
		{"read and write", func(w net.Conn) error {
			file, err := os.Open(path)
			if err == nil {
				_, err = io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{file}, make([]byte, pieceSize))
				file.Close()
			}
			return err
		}},
		{"flv", func(w net.Conn) error { return playTo(f, w, takeFLV) }},
		{"rtmp", func(w net.Conn) error { return playTo(f, w, takeRTMP) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			info, err := os.Stat(path)
			require.NoError(b, err)
			b.SetBytes(players * info.Size())
			conns := sinks(b, players)
			before := cpuTime(b)
			for b.Loop() {
				var wg sync.WaitGroup
				for _, w := range conns {
					wg.Go(func() {
						if err := c.play(w); err != nil {
							b.Error(err)
						}
					})
				}
				wg.Wait()
			}
			gb := float64(b.N) * players * float64(info.Size()) / 1e9
			b.ReportMetric((cpuTime(b)-before).Seconds()/gb, "cpu-s/GB")
		})
	}
}

// benchmarkFolder returns a Folder with a.flv: 60 MB of 4 Mbit/s video with a key frame of 60 KB every two seconds, and audio.
func benchmarkFolder(b *testing.B) (*Folder, string) {
	file := fileOf(avc(1), aac(1))
	for n := range uint32(3600) {
		size := 15_500
		if n%60 == 0 {
			size = 60_000
		}
		tag := big(n*33, size)
		if n%60 == 0 {
			tag.Body[0] = 0x17
		}
		file = flv.AppendTag(file, tag)
		file = flv.AppendTag(file, big(n*33+10, 370))
	}
	return newFolder(b, map[string][]byte{"a.flv": file})
}

// playTo plays a file. It calls take for each piece, and writes the result with
// one Write.
func playTo(f *Folder, w io.Writer, take func(p *Player) []byte) error {
	p, err := f.Play(context.Background(), "a.flv", all)
	if err != nil {
		return err
	}
	defer p.Close()
	for {
		if _, err := p.Fill(); err != nil {
			return ignoreEOF(err)
		}
		if b := take(p); len(b) > 0 {
			if _, err := w.Write(b); err != nil {
				return err
			}
		}
	}
}

// takeFLV returns the frames unchanged.
func takeFLV(p *Player) (out []byte) {
	var tag Tag
	for p.Next(&tag) {
		if out == nil {
			out = tag.Frame[:0]
		}
		out = out[:len(out)+len(tag.Frame)]
	}
	return out
}

// takeRTMP converts the tags to messages of one chunk each, using the memory of the piece, and returns the messages.
func takeRTMP(p *Player) (out []byte) {
	var tag Tag
	for p.Next(&tag) {
		if out == nil {
			out = tag.Frame[:0]
		}
		n := len(tag.Body)
		out = append(out, 5, byte(tag.Timestamp>>16), byte(tag.Timestamp>>8), byte(tag.Timestamp), byte(n>>16), byte(n>>8), byte(n), byte(tag.Type), 1, 0, 0, 0)
		out = append(out, tag.Body...)
	}
	return out
}

// sinks returns connections to peers that discard everything.
func sinks(b *testing.B, n int) (conns []net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	defer l.Close()
	for range n {
		w, err := net.Dial("tcp", l.Addr().String())
		require.NoError(b, err)
		r, err := l.Accept()
		require.NoError(b, err)
		done := make(chan struct{})
		go func() {
			defer close(done)
			discard(r)
		}()
		b.Cleanup(func() { w.Close(); <-done; r.Close() })
		conns = append(conns, w)
	}
	return conns
}

// discard reads until the connection ends, without copying the bytes out of the
// kernel.
func discard(c net.Conn) {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return
	}
	buf := make([]byte, 1<<20)
	raw.Read(func(fd uintptr) bool {
		for {
			n, _, err := syscall.Recvfrom(int(fd), buf, syscall.MSG_TRUNC)
			if err != nil || n == 0 {
				return !errors.Is(err, syscall.EAGAIN)
			}
		}
	})
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkIndex scans a file, and reports the CPU time per GB.
func BenchmarkIndex(b *testing.B) {
	_, dir := benchmarkFolder(b)
	file, err := os.Open(filepath.Join(dir, "a.flv"))
	require.NoError(b, err)
	defer file.Close()
	info, err := file.Stat()
	require.NoError(b, err)
	before := cpuTime(b)
	for b.Loop() {
		_, err := buildIndex(context.Background(), file, info.Size(), false)
		require.NoError(b, err)
	}
	b.ReportMetric((cpuTime(b)-before).Seconds()/(float64(b.N)*float64(info.Size())/1e9), "cpu-s/GB")
}
