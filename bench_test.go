package rtmp

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/internal/transport"
	"github.com/go-librtmp/rtmp/message"
)

// senderEnv makes this test binary the sending side of a benchmark: a process of its own, so that the CPU time measured
// is the reader's alone.
const senderEnv = "RTMP_BENCH_SENDER"

// senderRate is how fast the sender sends, in bytes per second: nearly as fast as a reader can read. At full speed the
// kernel does the sender's work in whichever process happens to be there, and figures of two readers can't be compared.
const senderRate = 2_000_000_000

// runSender serves one connection: for "raw" it sends bytes, else chunks of "scheme chunk size,message size,...". For "idle" it
// sends a little to any number of connections; for "sink" and "publish" it receives.
func runSender(what string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return
	}
	fmt.Println(l.Addr())
	for what == "idle" {
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
	nc, err := l.Accept()
	if err != nil {
		return
	}
	defer nc.Close()
	switch what {
	case "sink":
		io.Copy(io.Discard, onlyReader{nc})
		return
	case "publish":
		if _, err := handshake.Server(nc, handshake.Config{}); err != nil {
			return
		}
		p := &peer{peertest.New(nc)}
		p.AcceptPublisher()
		io.Copy(io.Discard, onlyReader{nc})
		return
	}
	round := make([]byte, 512<<10)
	if what != "raw" {
		scheme, what, _ := strings.Cut(what, " ")
		if scheme == "rtmps" {
			nc = tls.Server(nc, testserver.ServerTLS())
		}
		var numbers []int
		for field := range strings.SplitSeq(what, ",") {
			n, _ := strconv.Atoi(field)
			numbers = append(numbers, n)
		}
		result, err := handshake.Server(nc, handshake.Config{Encryption: handshake.EncryptionPlain})
		if err != nil {
			return
		}
		if result.In != nil {
			nc = transport.Encipher(nc, result.In, result.Out)
		}
		p := &peer{peertest.New(nc)}
		p.AcceptPlayer()
		p.Control(message.TypeSetChunkSize, binary.BigEndian.AppendUint32(nil, uint32(numbers[0])))
		p.Conn.Write(p.mediaRound(numbers[1:], 0)) // with whole headers, which the rounds that follow refer to
		round = p.mediaRound(numbers[1:], 512<<10)
		go io.Copy(io.Discard, nc)
	}
	started, sent := time.Now(), 0
	for err == nil {
		_, err = nc.Write(round)
		sent += len(round)
		time.Sleep(time.Until(started.Add(time.Duration(sent) * time.Second / senderRate)))
	}
}

// mediaRound is messages of these sizes, again and again until there are atLeast bytes, that can be sent repeatedly.
func (p *peer) mediaRound(sizes []int, atLeast int) (round []byte) {
	for round == nil || len(round) < atLeast {
		for i, size := range sizes {
			round = append(round, p.Encode(chunk.Outgoing{Type: 8 + uint8(i%2), ChunkStreamID: 4 + uint32(i%2), StreamID: 1,
				Format: chunk.Format1, Body: make([]byte, size)})...)
		}
	}
	return round
}

// onlyReader keeps io.Copy from using splice, which nobody who looks at the bytes can.
type onlyReader struct{ io.Reader }

// startSender starts the sending process and returns its address.
func startSender(b *testing.B, what string) string {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), senderEnv+"="+what)
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

// BenchmarkRawTCP is the floor: reading the same amount of bytes from the same kind of sender and nothing else, or one
// copy, which nobody can do without who makes tags of chunks.
func BenchmarkRawTCP(b *testing.B) {
	for _, copied := range []bool{false, true} {
		b.Run(fmt.Sprintf("copied-%t", copied), func(b *testing.B) {
			nc, err := net.Dial("tcp", startSender(b, "raw"))
			require.NoError(b, err)
			defer nc.Close()
			if copied {
				measure(b, &copyingReader{r: nc})
				return
			}
			measure(b, nc)
		})
	}
}

type copyingReader struct {
	r   io.Reader
	buf [64 << 10]byte
}

func (c *copyingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(c.buf[:min(len(p), len(c.buf))])
	return copy(p, c.buf[:n]), err
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
	b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(b.N), "cpu-µs/MiB")
}

// BenchmarkPlay reads a stream as FLV. Compare its cpu-µs/MiB with that of BenchmarkRawTCP in the same run.
func BenchmarkPlay(b *testing.B) {
	for _, mix := range []struct {
		name  string
		sizes []int
	}{{"300B", []int{300}}, {"6KB-mix", []int{300, 17400, 300}}, {"60KB", []int{60_000}}} {
		for _, chunkSize := range []int{128, 4096, 65536} {
			b.Run(fmt.Sprintf("%s/chunk-%d", mix.name, chunkSize), func(b *testing.B) {
				what := "rtmp " + strconv.Itoa(chunkSize)
				for _, size := range mix.sizes {
					what += "," + strconv.Itoa(size)
				}
				c, err := Dial(b.Context(), "rtmp://"+startSender(b, what)+"/app/play", nil)
				require.NoError(b, err)
				defer c.Close()
				s, err := c.CreateStream(b.Context(), nil)
				require.NoError(b, err)
				measure(b, s)
			})
		}
	}
}

// BenchmarkTransports reads the 6 KB mix with and without encryption.
func BenchmarkTransports(b *testing.B) {
	for _, scheme := range []string{"rtmp", "rtmpe", "rtmps"} {
		b.Run(scheme, func(b *testing.B) {
			c, err := Dial(b.Context(), scheme+"://"+startSender(b, scheme+" 4096,300,17400,300")+"/app/play",
				&Options{TLSConfig: &tls.Config{InsecureSkipVerify: true}}) // the sender has made its certificate itself
			require.NoError(b, err)
			defer c.Close()
			s, err := c.CreateStream(b.Context(), nil)
			require.NoError(b, err)
			measure(b, s)
		})
	}
}

// BenchmarkIdle measures the memory that a connection keeps which has played something and waits for more.
func BenchmarkIdle(b *testing.B) {
	addr := startSender(b, "idle")
	inUse := func() uint64 {
		runtime.GC()
		runtime.GC() // twice: what a pool keeps goes with the second
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
			c, err := Dial(b.Context(), "rtmp://"+addr+"/app/play", &Options{BackgroundRead: true})
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

// BenchmarkPublish writes the 6 KB mix as FLV, 256 KiB at a time, beside raw TCP writes of as much, and as packets. Compare
// cpu-µs/MiB in the same run.
func BenchmarkPublish(b *testing.B) {
	const size = 1 << 20
	var file []byte
	for i := 0; len(file) < size; i++ {
		tag := flv.Tag{Type: flv.TagAudio, Timestamp: uint32(i), Body: make([]byte, 300)}
		if i%3 == 1 {
			tag = flv.Tag{Type: flv.TagVideo, Timestamp: uint32(i), Body: make([]byte, 17_400)}
		}
		file = flv.AppendTag(file, tag)
	}
	run := func(b *testing.B, write func() error) {
		b.SetBytes(int64(len(file)))
		b.ReportAllocs()
		cpu := cpuTime()
		for b.Loop() {
			if err := write(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(b.N)*size/float64(len(file)), "cpu-µs/MiB")
	}
	inPieces := func(w io.Writer) error {
		for rest := file; len(rest) > 0; {
			n, err := w.Write(rest[:min(256<<10, len(rest))])
			if err != nil {
				return err
			}
			rest = rest[n:]
		}
		return nil
	}
	b.Run("raw", func(b *testing.B) {
		nc, err := net.Dial("tcp", startSender(b, "sink"))
		require.NoError(b, err)
		defer nc.Close()
		run(b, func() error { return inPieces(nc) })
	})
	for _, chunkSize := range []int{128, 4096, 65536} {
		open := func(b *testing.B) *Stream {
			c, err := Dial(b.Context(), "rtmp://"+startSender(b, "publish")+"/app/play", &Options{ChunkSize: chunkSize})
			require.NoError(b, err)
			b.Cleanup(func() { c.core.fail(net.ErrClosed); c.Close() })
			s, err := c.CreateStream(b.Context(), &StreamOptions{Writable: true})
			require.NoError(b, err)
			return s
		}
		b.Run(fmt.Sprintf("flv/chunk-%d", chunkSize), func(b *testing.B) {
			s := open(b)
			run(b, func() error { return inPieces(s) })
		})
		b.Run(fmt.Sprintf("packets/chunk-%d", chunkSize), func(b *testing.B) {
			s := open(b)
			tags := tagsIn(file)
			run(b, func() error {
				for i := range tags {
					if err := s.WritePacket(&tags[i]); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
}

// tagsIn takes tags apart into packets.
func tagsIn(tags []byte) (packets []Packet) {
	var parser flv.Parser
	var tag flv.Tag
	for n, ok, _ := parser.Parse(tags, &tag); ok; n, ok, _ = parser.Parse(tags, &tag) {
		packets = append(packets, Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: tag.Body})
		tags = tags[n:]
	}
	return packets
}
