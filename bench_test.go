package rtmp

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/peertest"
)

// senderEnv is an environment variable that makes this test binary run as the sender of a benchmark, so that only the reader's memory is
// measured.
const senderEnv = "RTMP_BENCH_SENDER"

func runSender() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return
	}
	fmt.Println(l.Addr())
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		if _, err := handshake.Server(nc, handshake.Config{}); err != nil {
			return
		}
		p := &peer{peertest.New(nc)}
		p.AcceptPlayer()
		p.sendMedia()
		defer nc.Close()
	}
}

func startSender(b *testing.B) string {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), senderEnv+"=1")
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(b, err)
	return strings.TrimSpace(addr)
}

// BenchmarkIdle measures the memory of a connection that has played some media and is waiting for more.
func BenchmarkIdle(b *testing.B) {
	for _, background := range []bool{false, true} {
		b.Run(fmt.Sprintf("BackgroundRead-%t", background), func(b *testing.B) { benchmarkIdle(b, background) })
	}
}

func benchmarkIdle(b *testing.B, background bool) {
	addr := startSender(b)
	inUse := func() uint64 {
		runtime.GC()
		runtime.GC() // a second collection is needed to empty the pools
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	const count = 200
	var packet Packet
	for b.Loop() {
		before := inUse()
		conns := make([]*Conn, count)
		for i := range conns {
			c, err := Dial(b.Context(), "rtmp://"+addr+"/app/play", &Options{BackgroundRead: background})
			require.NoError(b, err)
			s, err := c.CreateStream(b.Context(), nil)
			require.NoError(b, err)
			for range sent {
				require.NoError(b, s.ReadPacket(&packet))
			}
			conns[i] = c
		}
		b.ReportMetric(float64(inUse()-before)/count, "B/connection")
		for _, c := range conns {
			c.Close()
		}
	}
}
