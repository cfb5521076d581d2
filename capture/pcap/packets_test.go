package pcap_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/capture"
	"github.com/go-librtmp/rtmp/capture/pcap"
)

type packet struct {
	gopacket.CaptureInfo
	data []byte
}

func packetsOf(t testing.TB, file []byte) (all []packet) {
	t.Helper()
	r, err := pcapgo.NewReader(bytes.NewReader(file))
	require.NoError(t, err)
	for {
		data, ci, err := r.ReadPacketData()
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
		all = append(all, packet{ci, data})
	}
}

func fileOf(t testing.TB, packets []packet) []byte {
	t.Helper()
	var b bytes.Buffer
	w := pcapgo.NewWriterNanos(&b)
	require.NoError(t, w.WriteFileHeader(1<<18, layers.LinkTypeEthernet))
	for _, p := range packets {
		require.NoError(t, w.WritePacket(p.CaptureInfo, p.data))
	}
	return b.Bytes()
}

func ngOf(t testing.TB, packets []packet) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := pcapgo.NewNgWriter(&b, layers.LinkTypeEthernet)
	require.NoError(t, err)
	for _, p := range packets {
		p.InterfaceIndex = 0
		require.NoError(t, w.WritePacket(p.CaptureInfo, p.data))
	}
	require.NoError(t, w.Flush())
	return b.Bytes()
}

func converted(t testing.TB, file []byte) ([]*capture.Session, *pcap.Report) {
	t.Helper()
	var out bytes.Buffer
	report, err := pcap.Convert(&out, bytes.NewReader(file))
	require.NoError(t, err)
	if out.Len() == 0 {
		return nil, report
	}
	f, err := capture.NewFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
	require.NoError(t, err)
	require.Empty(t, f.Damage())
	return f.Sessions(), report
}

func messages(t testing.TB, s *capture.Session) (all []capture.Message) {
	t.Helper()
	r := s.Reader()
	for {
		var m capture.Message
		if err := r.Next(&m); err != nil {
			require.Equal(t, io.EOF, err)
			return all
		}
		m.Began, m.At = 0, 0
		all = append(all, m)
	}
}

// direction returns the messages of one end. Their order does not depend on the times of the packets, unlike the order of all messages.
func direction(all []capture.Message, from capture.Direction) (some []capture.Message) {
	for _, m := range all {
		if m.From == from {
			some = append(some, m)
		}
	}
	return some
}

func sameMessages(t *testing.T, want, got []capture.Message) {
	t.Helper()
	for _, from := range []capture.Direction{capture.FromClient, capture.FromServer} {
		w, g := direction(want, from), direction(got, from)
		require.Len(t, g, len(w))
		for i := range w {
			require.Equal(t, w[i].Type, g[i].Type)
			require.True(t, bytes.Equal(w[i].Body, g[i].Body), "message %d of the %v", i, from)
		}
	}
}

// TestPacketsInDisorder converts packets that are reordered, repeated, split into overlapping parts, and mixed with other connections.
func TestPacketsInDisorder(t *testing.T) {
	packets := packetsOf(t, testdata(t, "ffmpeg-publish.pcap"))
	sessions, report := converted(t, fileOf(t, packets))
	require.Len(t, sessions, 1)
	require.Empty(t, report.Problems)
	want := messages(t, sessions[0])
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var shuffled []packet
		for _, p := range packets {
			shuffled = append(shuffled, p)
			if random.IntN(3) == 0 {
				shuffled = append(shuffled, shuffled[random.IntN(len(shuffled))]) // repeat a packet at a random later position
			}
		}
		for i := 5; i+5 < len(shuffled); i++ { // the SYN stays first
			if j := i + random.IntN(4); !hasFlags(shuffled[i]) && !hasFlags(shuffled[j]) {
				shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
			}
		}
		sessions, report := converted(t, fileOf(t, shuffled))
		require.Empty(t, report.Problems)
		require.Len(t, sessions, 1)
		sameMessages(t, want, messages(t, sessions[0]))
	}
	sessions, _ = converted(t, ngOf(t, packets))
	require.Len(t, sessions, 1)
	sameMessages(t, want, messages(t, sessions[0]))
}

// hasFlags reports whether a packet begins or ends a connection.
func hasFlags(p packet) bool {
	tcp, _ := gopacket.NewPacket(p.data, layers.LinkTypeEthernet, gopacket.Default).Layer(layers.LayerTypeTCP).(*layers.TCP)
	return tcp == nil || tcp.SYN || tcp.FIN || tcp.RST
}

func TestSeveralConnections(t *testing.T) {
	var all []packet
	names := []string{"rtmpdump", "rtmpdump-rtmpt", "ffmpeg-play", "gortmplib-publish"}
	var files [][]packet
	for _, name := range names {
		files = append(files, packetsOf(t, testdata(t, name+".pcap")))
	}
	for len(files) > 0 {
		i := rand.IntN(len(files))
		all = append(all, files[i][0])
		if files[i] = files[i][1:]; len(files[i]) == 0 {
			files = append(files[:i], files[i+1:]...)
		}
	}
	sessions, report := converted(t, fileOf(t, all))
	assert.Empty(t, report.Problems)
	assert.Equal(t, 4, report.Sessions)
	require.Len(t, sessions, 4)
	transports := map[string]int{}
	for _, s := range sessions {
		transports[s.Info().Transport]++
		assert.NotEmpty(t, messages(t, s))
	}
	assert.Equal(t, map[string]int{"rtmp": 3, "rtmpt": 1}, transports)
}

// TestLostPacketsAreReported converts lost.pcap, which lacks packets that tcpdump has missed.
func TestLostPacketsAreReported(t *testing.T) {
	sessions, report := converted(t, testdata(t, "lost.pcap"))
	require.Len(t, report.Problems, 2)
	assert.Contains(t, report.Problems[0], "packets are missing: 29 bytes of the server")
	assert.Contains(t, report.Problems[1], "packets are missing: 69 bytes of the client")
	require.Len(t, sessions, 1)
	end, complete := sessions[0].End()
	assert.True(t, complete)
	assert.Len(t, end.Missing, 2)
	assert.NotEmpty(t, messages(t, sessions[0]))

	packets := packetsOf(t, testdata(t, "ffmpeg-publish.pcap"))
	sessions, report = converted(t, fileOf(t, packets[8:]))
	assert.Empty(t, sessions)
	assert.NotEmpty(t, report.Problems)
	cut := fileOf(t, packets)
	sessions, report = converted(t, cut[:len(cut)/2])
	require.Len(t, sessions, 1)
	require.Len(t, report.Problems, 1)
	assert.Contains(t, report.Problems[0], "the file is cut off after")
	ng := ngOf(t, packets)
	_, report = converted(t, ng[:len(ng)/2])
	require.Len(t, report.Problems, 1)
	assert.Contains(t, report.Problems[0], "the file is cut off after")
}

// TestWrite checks that Convert can read the packets that Write has written.
func TestWrite(t *testing.T) {
	s := sessionOf(t, "ffmpeg-play")
	var b bytes.Buffer
	require.NoError(t, pcap.Write(&b, s))
	require.True(t, pcap.IsPcap(b.Bytes()))
	sessions, report := converted(t, b.Bytes())
	require.Empty(t, report.Problems)
	require.Len(t, sessions, 1)
	sameMessages(t, messages(t, s), messages(t, sessions[0]))
	assert.WithinDuration(t, s.Info().Began, sessions[0].Info().Began, time.Millisecond)
	assert.Contains(t, sessions[0].Info().Server, ":1935")
}

func TestNoPackets(t *testing.T) {
	for _, b := range []string{"", "RTM", "a text", "\xD4\xC3\xB2\xA1"} {
		report, err := pcap.Convert(io.Discard, bytes.NewReader([]byte(b)))
		require.Error(t, err)
		require.NotNil(t, report)
	}
	_, _, err := pcap.Open(filepath.Join("testdata", "sample.flv"))
	require.Error(t, err)
}

func FuzzConvert(f *testing.F) {
	for _, name := range []string{"rtmpdump", "rtmpdump-rtmpt", "lost"} {
		packets := packetsOf(f, testdata(f, name+".pcap"))
		packets = packets[:min(30, len(packets))]
		f.Add(fileOf(f, packets))
		f.Add(ngOf(f, packets))
	}
	f.Add(fileOf(f, withoutChunkSize(f)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var out bytes.Buffer
		report, _ := pcap.Convert(&out, bytes.NewReader(b))
		if report.Sessions == 0 {
			return
		}
		file, err := capture.NewFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
		require.NoError(t, err)
		require.Len(t, file.Sessions(), report.Sessions)
		for _, s := range file.Sessions() {
			if damaged(t, s) {
				end, _ := s.End()
				require.NotEmpty(t, end.Missing)
			}
			require.NoError(t, pcap.Write(io.Discard, s))
		}
	})
}

// damaged reads all messages of a session, and reports whether a part of it can't be read.
func damaged(t testing.TB, s *capture.Session) (some bool) {
	t.Helper()
	r := s.Reader()
	for {
		var m capture.Message
		var damage *capture.DamageError
		switch err := r.Next(&m); {
		case errors.As(err, &damage):
			some = true
		case err != nil:
			require.Equal(t, io.EOF, err)
			return some
		}
	}
}

// withoutChunkSize returns the packets of a connection whose server sets a chunk size of 0, which ends the chunk stream.
func withoutChunkSize(t testing.TB) []packet {
	t.Helper()
	packets, patched := packetsOf(t, testdata(t, "rtmpdump.pcap")), 0
	setChunkSize := []byte{0x42, 0, 0, 0, 0, 0, 4, 1} // on chunk stream 2, format 1
	for _, p := range packets {
		if at := bytes.Index(p.data, setChunkSize); at >= 0 {
			clear(p.data[at+len(setChunkSize):][:4])
			patched++
		}
	}
	require.Equal(t, 1, patched)
	return packets
}

// TestNotAChunkStream checks that a session names the bytes that can't be read.
func TestNotAChunkStream(t *testing.T) {
	sessions, _ := converted(t, fileOf(t, withoutChunkSize(t)))
	require.Len(t, sessions, 1)
	require.True(t, damaged(t, sessions[0]))
	end, complete := sessions[0].End()
	require.True(t, complete)
	require.Len(t, end.Missing, 1)
	assert.Contains(t, end.Missing[0], "bytes from the server that are not a chunk stream (chunk: chunk size out of range")
}

// TestConvertReportsReadErrors checks that a file that can't be read is not called a file in another format.
func TestConvertReportsReadErrors(t *testing.T) {
	lost := errors.New("disk lost")
	_, err := pcap.Convert(io.Discard, iotest.ErrReader(lost))
	require.ErrorIs(t, err, lost)
}
