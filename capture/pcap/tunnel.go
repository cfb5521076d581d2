package pcap

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/capture"
)

const (
	// maxHead is the longest head of a request or response, in bytes.
	maxHead = 64 << 10
	// maxWaiting is the number of requests that may wait for their responses.
	maxWaiting = 1000
)

// tunnelled is an RTMPT connection. Its HTTP requests contain the client's chunk stream, and the responses the server's.
type tunnelled struct {
	converter *converter
	ends      endpoints
	requests  exchange
	answers   exchange
	waiting   []asked // requests without a response
	dead      bool
}

type asked struct {
	session *session
	opens   bool // the response contains the session id
	closes  bool
	silent  bool   // the body has no data, but only the byte that it must contain in HTTP
	id      []byte // the part of the session id that has been read
	begun   bool   // the first byte of the response, which is the polling interval, has been read
}

func newTunnelled(c *converter, ends endpoints) *tunnelled {
	return &tunnelled{converter: c, ends: ends}
}

func (t *tunnelled) data(from capture.Direction, at time.Time, b []byte) {
	in := &t.requests
	if from == capture.FromServer {
		in = &t.answers
	}
	for len(b) > 0 && !t.dead {
		if in.left > 0 {
			n := min(in.left, len(b))
			in.left -= n
			t.body(from, at, b[:n], in.left == 0)
			b = b[n:]
			continue
		}
		var line string
		var size int
		var ok bool
		if b, line, size, ok = in.add(b); !ok {
			t.dead = true
			return
		}
		if line == "" {
			continue
		}
		if in.left = size; from == capture.FromClient {
			t.request(line)
		} else if strings.HasPrefix(line, "HTTP/1.1 100") {
			continue
		}
		if size == 0 {
			t.body(from, at, nil, true)
		}
	}
}

// request handles a request line: "POST /send/ID/SEQUENCE HTTP/1.1".
func (t *tunnelled) request(line string) {
	_, path, _ := strings.Cut(line, " ")
	path, _, _ = strings.Cut(path, " ")
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	a := asked{}
	switch parts[0] {
	case "open":
		a.opens = true
	case "send", "idle", "close":
		if len(parts) > 1 {
			a.session = t.converter.tunnels[t.key(parts[1])]
		}
		a.closes, a.silent = parts[0] == "close", parts[0] != "send"
	}
	if len(t.waiting) >= maxWaiting {
		t.dead = true
		return
	}
	t.waiting = append(t.waiting, a)
}

func (t *tunnelled) key(id string) string { return t.ends.server.String() + " " + id }

func (t *tunnelled) body(from capture.Direction, at time.Time, b []byte, last bool) {
	if len(t.waiting) == 0 {
		return
	}
	if from == capture.FromClient {
		if a := &t.waiting[len(t.waiting)-1]; a.session != nil && len(b) > 0 && !a.silent {
			a.session.data(from, at, b)
		}
		return
	}
	a := &t.waiting[0]
	if a.opens && len(a.id)+len(b) < 256 {
		a.id = append(a.id, b...)
	}
	if a.session != nil && len(b) > 0 {
		if !a.begun {
			a.begun, b = true, b[1:]
		}
		a.session.data(from, at, b)
	}
	if !last {
		return
	}
	if id := string(bytes.TrimSpace(a.id)); a.opens && id != "" && len(t.converter.tunnels) < maxConnections {
		t.converter.tunnels[t.key(id)] = t.converter.newSession("rtmpt", t.ends)
	}
	if a.closes && a.session != nil {
		a.session.closed(capture.FromClient)
	}
	t.waiting = t.waiting[1:]
}

func (t *tunnelled) gap(from capture.Direction, at time.Time, size int) {
	if t.dead {
		return
	}
	t.dead = true
	for _, a := range t.waiting {
		if a.session != nil {
			a.session.gap(from, at, size)
			return
		}
	}
	t.converter.report.problem("%v to %v: %d bytes of the %v are missing in a tunnel", t.ends.client, t.ends.server, size, from)
}

func (t *tunnelled) closed(capture.Direction) {}

type exchange struct {
	head []byte
	left int // remaining bytes of the body
}

// add adds b to the head. When the head is complete, line is its first line and size the size of the body. ok is false if the head is
// invalid.
func (e *exchange) add(b []byte) (rest []byte, line string, size int, ok bool) {
	before := len(e.head)
	e.head = append(e.head, b...)
	end := bytes.Index(e.head, []byte("\r\n\r\n"))
	if end < 0 {
		return nil, "", 0, len(e.head) <= maxHead
	}
	rest = b[end+4-before:]
	lines := strings.Split(string(e.head[:end]), "\r\n")
	e.head = nil
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ":")
		switch {
		case strings.EqualFold(name, "Content-Length"):
			n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31)
			if err != nil {
				return nil, "", 0, false
			}
			size = int(n)
		case strings.EqualFold(name, "Transfer-Encoding"): // RTMPT servers do not use it
			return nil, "", 0, false
		}
	}
	return rest, lines[0], size, lines[0] != ""
}
