// Package pcap converts network packets that tcpdump or Wireshark has captured to captures of RTMP sessions, and back.
package pcap

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/go-librtmp/rtmp/capture"
)

// Report describes what Convert has found.
type Report struct {
	Packets  int // number of packets read
	Sessions int // number of sessions written
	// Problems says why sessions are missing or incomplete, for example because a connection is encrypted, began before the capture, or
	// lacks packets. It contains at most 100 problems.
	Problems []string
}

const maxProblems = 100

func (r *Report) problem(format string, args ...any) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// Convert reads packets in the formats pcap and pcapng, and writes the RTMP sessions in them to w as a capture. It finds RTMP on any port,
// and RTMPT. Secrets are replaced. Only one goroutine at a time writes to w. If the file ends inside a packet, Convert uses the packets
// before it. The Report is never nil; after an error it describes what was found before.
func Convert(w io.Writer, packets io.Reader, options ...capture.Option) (*Report, error) {
	c := &converter{report: new(Report), out: capture.NewWriter(&serial{w: w}, options...), connections: make(map[endpoints]*connection),
		known: make(map[endpoints]bool), tunnels: make(map[string]*session)}
	err := c.read(packets)
	c.end()
	return c.report, err
}

type serial struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *serial) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}

// Open converts the packets in a file, and opens the resulting capture, a temporary file that File.Close removes. If the packets contain no
// session, the error is capture.ErrNoSession, and the Report says why.
func Open(path string, options ...capture.Option) (*capture.File, *Report, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, new(Report), err
	}
	defer in.Close()
	file, err := os.CreateTemp("", "rtmp-*.rtmpcap")
	if err != nil {
		return nil, new(Report), err
	}
	temporary := &temporaryFile{file}
	report, err := Convert(file, in, options...)
	if err == nil {
		var size int64
		if size, err = file.Seek(0, io.SeekEnd); err == nil {
			var f *capture.File
			if f, err = capture.NewFile(temporary, size); err == nil {
				return f, report, nil
			}
		}
	}
	temporary.Close()
	return nil, report, err
}

type temporaryFile struct{ *os.File }

func (f *temporaryFile) Close() error {
	err := f.File.Close()
	return errors.Join(err, os.Remove(f.Name()))
}

// IsPcap reports whether head, at least four bytes, begins a file in a format that Convert reads.
func IsPcap(head []byte) bool { return isNg(head) || isClassic(head) }

func isNg(head []byte) bool { return len(head) >= 4 && binary.BigEndian.Uint32(head) == 0x0A0D0D0A }

func isClassic(head []byte) bool {
	if len(head) < 4 {
		return false
	}
	for _, v := range []uint32{binary.BigEndian.Uint32(head), binary.LittleEndian.Uint32(head)} {
		if v == 0xA1B2C3D4 || v == 0xA1B23C4D { // the times are in microseconds or in nanoseconds
			return true
		}
	}
	return false
}

func newPacketReader(r io.Reader) (next func() (packet, error), err error) {
	in := bufio.NewReaderSize(r, 1<<16)
	head, err := in.Peek(4)
	switch {
	case err != nil && err != io.EOF:
		return nil, fmt.Errorf("pcap: %w", err)
	case isNg(head):
		return (&ngReader{in: in, order: binary.LittleEndian}).next, nil
	case isClassic(head):
		return newClassic(in)
	}
	return nil, errors.New("pcap: neither pcap nor pcapng")
}

func newClassic(in io.Reader) (next func() (packet, error), err error) {
	r, err := pcapgo.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("pcap: %w", err)
	}
	if r.Snaplen() == 0 || r.Snaplen() > maxPacket {
		r.SetSnaplen(maxPacket)
	}
	return func() (packet, error) {
		data, ci, err := r.ZeroCopyReadPacketData()
		return packet{link: r.LinkType(), at: ci.Timestamp, data: data, cut: ci.CaptureLength < ci.Length}, err
	}, nil
}

func (c *converter) read(r io.Reader) error {
	next, err := newPacketReader(r)
	if err != nil {
		return err
	}
	for {
		p, err := next()
		switch {
		case err == io.EOF:
			return nil
		case err == io.ErrUnexpectedEOF:
			c.report.problem("the file is cut off after %d packets", c.report.Packets)
			return nil
		case err != nil:
			return fmt.Errorf("pcap: after %d packets: %w", c.report.Packets, err)
		}
		c.report.Packets++
		c.packet(&p)
	}
}

func (c *converter) packet(p *packet) {
	decoded := gopacket.NewPacket(p.data, p.link, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	tcp, _ := decoded.Layer(layers.LayerTypeTCP).(*layers.TCP)
	if tcp == nil || decoded.NetworkLayer() == nil {
		return
	}
	flow := decoded.NetworkLayer().NetworkFlow()
	c.segment(&segment{
		from: endpoint{flow.Src().String(), uint16(tcp.SrcPort)}, to: endpoint{flow.Dst().String(), uint16(tcp.DstPort)},
		at: p.at, seq: tcp.Seq, acked: tcp.Ack, syn: tcp.SYN, ack: tcp.ACK, fin: tcp.FIN, rst: tcp.RST, data: tcp.Payload, cut: p.cut,
	})
}
