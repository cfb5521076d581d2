package pcap

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-librtmp/rtmp/capture"
)

type converter struct {
	report      *Report
	out         io.Writer
	connections map[endpoints]*connection
	ahead       int                 // number of bytes, in all connections, that wait for missing segments
	known       map[endpoints]bool  // connections that have ended, and connections that began before the capture
	tunnels     map[string]*session // by the server's address and the session id
}

func (c *converter) end() {
	for _, conn := range c.connections {
		c.finish(conn)
	}
	for _, s := range c.tunnels {
		s.closed(0)
	}
}

type unknown struct {
	converter *converter
	ends      endpoints
	conn      *connection
}

func (u *unknown) data(from capture.Direction, at time.Time, b []byte) {
	var next consumer = ignored{}
	switch {
	case from == capture.FromServer: // in RTMP and HTTP the client sends first, so this is another protocol
	case looksLikeRTMP(b):
		next = u.converter.newSession("rtmp", u.ends)
	case b[0] == 6 || b[0] == 8 || b[0] == 9:
		u.converter.report.problem("%v to %v: encrypted (RTMPE), if it is RTMP", u.ends.client, u.ends.server)
	case bytes.HasPrefix(b, []byte("POST /")) || bytes.HasPrefix(b, []byte("GET /")):
		next = newTunnelled(u.converter, u.ends)
	case len(b) > 2 && b[0] == 22 && b[1] == 3:
		u.converter.report.problem("%v to %v: encrypted (TLS)", u.ends.client, u.ends.server)
	}
	u.conn.consumer = next
	next.data(from, at, b)
}

func looksLikeRTMP(b []byte) bool {
	return b[0] == 3 && (len(b) < 4 || b[1] != 0 || b[2] != 0 || len(b) > 1000)
}

func (u *unknown) gap(capture.Direction, time.Time, int) { u.conn.consumer = ignored{} }
func (u *unknown) closed(capture.Direction)              {}

// ignored is the consumer of connections with another protocol.
type ignored struct{}

func (ignored) data(capture.Direction, time.Time, []byte) {}
func (ignored) gap(capture.Direction, time.Time, int)     {}
func (ignored) closed(capture.Direction)                  {}

// handshakeSize is the size of C0, C1 and C2, and of S0, S1 and S2, in bytes.
const handshakeSize = 1 + 2*1536

type session struct {
	converter *converter
	info      capture.Info
	shaken    [2]int    // number of handshake bytes so far, indexed by Direction-1
	heads     [2][]byte // the first byte, the time and the version that each end has sent
	recorder  *capture.Recorder
	missing   [2][]string
	broken    [2]bool // bytes of the direction are missing
	ended     bool
}

func (c *converter) newSession(transport string, ends endpoints) *session {
	return &session{converter: c, info: capture.Info{Role: capture.RoleObserver, Transport: transport,
		Client: ends.client.String(), Server: ends.server.String()}}
}

func (s *session) data(from capture.Direction, at time.Time, b []byte) {
	if s.broken[from-1] || s.ended {
		return
	}
	shaken := &s.shaken[from-1]
	if n := min(handshakeSize-*shaken, len(b)); n > 0 {
		const head = 9
		s.heads[from-1] = append(s.heads[from-1], b[:min(n, head-min(head, *shaken))]...)
		*shaken += n
		b = b[n:]
	}
	if len(b) == 0 {
		return
	}
	if s.recorder == nil {
		s.begin(at)
	}
	s.recorder.Record(from, at, b)
}

func (s *session) begin(at time.Time) {
	s.info.Began = at
	h := &s.info.Handshake
	if head := s.heads[1]; len(head) == 9 {
		h.Type, h.Version = head[0], [4]byte(head[5:])
		// If the client's version is not zero, digests were exchanged. The server's version shows nothing, since some servers always send one
		// that is not zero.
		h.Digest = h.Version != [4]byte{} && len(s.heads[0]) == 9 && !bytes.Equal(s.heads[0][5:], make([]byte, 4))
	}
	s.recorder = capture.NewRecorder(s.converter.out, s.info)
	s.converter.report.Sessions++
	for i, texts := range s.missing {
		for _, text := range texts {
			s.recorder.Missing(capture.Direction(i+1), text)
		}
	}
}

func (s *session) gap(from capture.Direction, at time.Time, size int) {
	if s.broken[from-1] || s.ended {
		return
	}
	s.broken[from-1] = true
	text := fmt.Sprintf("%d bytes of the %v at %v, and everything after them", size, from, at.UTC().Format("15:04:05.000"))
	if s.recorder != nil {
		s.recorder.Missing(from, text)
	} else {
		s.missing[from-1] = append(s.missing[from-1], text)
	}
	s.converter.report.problem("%s to %s: packets are missing: %s", s.info.Client, s.info.Server, text)
}

func (s *session) closed(by capture.Direction) {
	if s.ended {
		return
	}
	s.ended = true
	if s.recorder == nil {
		if slices.Max(s.shaken[:]) > 0 {
			s.converter.report.problem("%s to %s: nothing after the handshake", s.info.Client, s.info.Server)
		}
		return
	}
	reason := "the packets end here"
	if by != 0 {
		reason = "the " + by.String() + " closed the connection"
	}
	if err := s.recorder.Close(by, reason); err != nil {
		s.converter.report.problem("%s to %s: %v", s.info.Client, s.info.Server, err)
	}
}
