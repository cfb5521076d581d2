package pcap

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/go-librtmp/rtmp/capture"
)

const (
	// rtmpPort is the server's port in all packets, by which Wireshark recognizes RTMP.
	rtmpPort = 1935
	// maxSegment is the maximum number of bytes in a packet.
	maxSegment = 16 << 10
)

// Write writes a session as packets that Wireshark can read: a TCP connection to port 1935, whose handshake is not the recorded one. After
// damage in the capture it stops and returns a *capture.DamageError.
func Write(w io.Writer, s *capture.Session) error {
	p := newPackets(w, s.Info())
	if err := p.open(); err != nil {
		return err
	}
	in := s.Raw()
	var raw capture.Raw
	for {
		err := in.Next(&raw)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return p.close()
		}
		if err != nil {
			return errors.Join(err, p.close())
		}
		p.at = s.Info().Began.Add(raw.At)
		if err := p.send(raw.From, raw.Data); err != nil {
			return err
		}
	}
}

type packets struct {
	out  *pcapgo.Writer
	at   time.Time
	ends [2]end // indexed by Direction-1
	buf  gopacket.SerializeBuffer
}

type end struct {
	ip   net.IP
	port layers.TCPPort
	next uint32
}

func newPackets(w io.Writer, info capture.Info) *packets {
	p := &packets{out: pcapgo.NewWriter(w), at: info.Began, buf: gopacket.NewSerializeBuffer()}
	client, port := addressOf(info.Client, 49152)
	server, _ := addressOf(info.Server, rtmpPort)
	if client == nil || server == nil || (client.To4() == nil) != (server.To4() == nil) {
		client, server = net.IPv4(192, 0, 2, 1), net.IPv4(192, 0, 2, 2) // addresses reserved for documentation (RFC 5737)
	}
	if port == rtmpPort {
		port = 49152
	}
	p.ends = [2]end{{ip: client, port: port, next: 1}, {ip: server, port: rtmpPort, next: 1}}
	return p
}

// addressOf parses an address and port. ip is nil if the host is a name.
func addressOf(addr string, port layers.TCPPort) (net.IP, layers.TCPPort) {
	host, number, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, port
	}
	if n, err := net.LookupPort("tcp", number); err == nil && n > 0 {
		port = layers.TCPPort(n)
	}
	return net.ParseIP(host), port
}

func (p *packets) open() error {
	if err := p.out.WriteFileHeader(1<<16, layers.LinkTypeRaw); err != nil {
		return fmt.Errorf("pcap: %w", err)
	}
	var first [1537]byte
	first[0] = 3
	for _, step := range []func() error{
		func() error { return p.packet(capture.FromClient, &layers.TCP{SYN: true}, nil) },
		func() error { return p.packet(capture.FromServer, &layers.TCP{SYN: true, ACK: true}, nil) },
		func() error { return p.packet(capture.FromClient, &layers.TCP{ACK: true}, nil) },
		func() error { return p.send(capture.FromClient, first[:]) },
		func() error { return p.send(capture.FromServer, append(first[:], first[1:]...)) },
		func() error { return p.send(capture.FromClient, first[1:]) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (p *packets) close() error {
	for _, from := range []capture.Direction{capture.FromClient, capture.FromServer} {
		if err := p.packet(from, &layers.TCP{FIN: true, ACK: true}, nil); err != nil {
			return err
		}
	}
	return nil
}

func (p *packets) send(from capture.Direction, b []byte) error {
	for len(b) > 0 {
		n := min(len(b), maxSegment)
		if err := p.packet(from, &layers.TCP{ACK: true, PSH: true}, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func (p *packets) packet(from capture.Direction, tcp *layers.TCP, data []byte) error {
	own, peer := &p.ends[from-1], &p.ends[2-from]
	tcp.SrcPort, tcp.DstPort, tcp.Window = own.port, peer.port, 65535
	tcp.Seq = own.next
	if tcp.SYN {
		tcp.Seq = 0
	}
	if tcp.ACK {
		tcp.Ack = peer.next
	}
	own.next += uint32(len(data))
	if tcp.FIN {
		own.next++
	}
	var ip gopacket.SerializableLayer
	if src := own.ip.To4(); src != nil {
		v4 := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: src, DstIP: peer.ip.To4()}
		ip = v4
		tcp.SetNetworkLayerForChecksum(v4)
	} else {
		v6 := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolTCP, SrcIP: own.ip, DstIP: peer.ip}
		ip = v6
		tcp.SetNetworkLayerForChecksum(v6)
	}
	err := gopacket.SerializeLayers(p.buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ip, tcp, gopacket.Payload(data))
	if err == nil {
		b := p.buf.Bytes()
		err = p.out.WritePacket(gopacket.CaptureInfo{Timestamp: p.at, CaptureLength: len(b), Length: len(b)}, b)
	}
	if err != nil {
		return fmt.Errorf("pcap: %w", err)
	}
	return nil
}
