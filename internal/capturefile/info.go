package capturefile

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/handshake"
)

// Direction is the direction of bytes and messages.
type Direction uint8

const (
	FromClient Direction = 1 // to the server
	FromServer Direction = 2 // to the client
)

// String returns the name of the end that sends: "client" or "server".
func (d Direction) String() string {
	switch d {
	case FromClient:
		return "client"
	case FromServer:
		return "server"
	}
	return "direction " + strconv.Itoa(int(d))
}

func directionOf(s string) Direction {
	for _, d := range []Direction{FromClient, FromServer} {
		if d.String() == s {
			return d
		}
	}
	return 0
}

// Role is the role of the program that recorded a session.
type Role string

const (
	RoleClient   Role = "client"
	RoleServer   Role = "server"
	RoleObserver Role = "observer" // a third program that saw the packets, on the way or at one end
)

// Info describes a session.
type Info struct {
	Role      Role
	Transport string    // rtmp, rtmps, rtmpe, rtmpt, rtmpts or rtmpte; "" if unknown
	Server    string    // address, "host:port"; "" if unknown
	Client    string    // address, "host:port"; "" if unknown
	Began     time.Time // end of the handshake, to which the times in the capture are relative

	Handshake Handshake
}

// Handshake describes the handshake of a session.
type Handshake struct {
	Type       byte    // the peer's C0 or S0 for RoleClient and RoleServer, S0 for RoleObserver: 3, or a type of RTMPE
	Version    [4]byte // the four bytes after the timestamp in the peer's first packet
	Digest     bool    // both first packets had a digest
	ReplyValid bool    // the peer's second packet was a valid answer to the first packet of the recorder
}

// HandshakeOf returns the part of a handshake's result that is recorded.
func HandshakeOf(r *handshake.Result) Handshake {
	return Handshake{Type: r.PeerType, Version: r.PeerVersion, Digest: r.Digest, ReplyValid: r.ReplyValid}
}

func (i *Info) append(dst []byte) []byte {
	h := &i.Handshake
	return fields{
		{"role", string(i.Role)}, {"transport", i.Transport}, {"server", i.Server}, {"client", i.Client},
		{"began", i.Began.UTC().Format(time.RFC3339Nano)},
		{"handshake-type", strconv.Itoa(int(h.Type))}, {"handshake-version", fmt.Sprintf("%x", h.Version)},
		{"handshake-digest", strconv.FormatBool(h.Digest)}, {"handshake-reply-valid", strconv.FormatBool(h.ReplyValid)},
	}.append(dst)
}

// ParseInfo parses the data of an Info record. It ignores unknown and invalid lines.
func ParseInfo(b []byte) (i Info) {
	for name, value := range parseFields(b) {
		switch name {
		case "role":
			i.Role = Role(value)
		case "transport":
			i.Transport = value
		case "server":
			i.Server = value
		case "client":
			i.Client = value
		case "began":
			i.Began, _ = time.Parse(time.RFC3339Nano, value)
		case "handshake-type":
			n, _ := strconv.ParseUint(value, 10, 8)
			i.Handshake.Type = byte(n)
		case "handshake-version":
			n, _ := strconv.ParseUint(value, 16, 32)
			i.Handshake.Version = [4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
		case "handshake-digest":
			i.Handshake.Digest = value == "true"
		case "handshake-reply-valid":
			i.Handshake.ReplyValid = value == "true"
		}
	}
	return i
}

// End describes how a session's recording ended, and what was removed from it.
type End struct {
	Reason   string    // why the session ended; "" if unknown
	ClosedBy Direction // the end that closed first; 0 if unknown
	Replaced []string  // kinds of values that were replaced, with the number of each: "publishing name: 3"
	Kept     []string  // kinds of values that may be private but were kept, with the number of each
	Missing  []string  // what was not recorded, and why
}

func (e *End) append(dst []byte) []byte {
	f := fields{{"reason", e.Reason}}
	if e.ClosedBy != 0 {
		f = append(f, [2]string{"closed-by", e.ClosedBy.String()})
	}
	for _, list := range []struct {
		name   string
		values []string
	}{{"replaced", e.Replaced}, {"kept", e.Kept}, {"missing", e.Missing}} {
		for _, v := range list.values {
			f = append(f, [2]string{list.name, v})
		}
	}
	return f.append(dst)
}

// ParseEnd parses the data of an End record.
func ParseEnd(b []byte) (e End) {
	for name, value := range parseFields(b) {
		switch name {
		case "reason":
			e.Reason = value
		case "closed-by":
			e.ClosedBy = directionOf(value)
		case "replaced":
			e.Replaced = append(e.Replaced, value)
		case "kept":
			e.Kept = append(e.Kept, value)
		case "missing":
			e.Missing = append(e.Missing, value)
		}
	}
	return e
}

// maxField is the maximum size of a value in bytes; the rest is cut off. It keeps blocks below MaxBlock.
const maxField = 4 << 10

// fields are the names and values of a text record. Empty values are not written.
type fields [][2]string

func (f fields) append(dst []byte) []byte {
	for _, field := range f {
		if field[1] != "" {
			value := field[1][:min(len(field[1]), maxField)]
			dst = append(dst, field[0]+": "+oneLine(value)+"\n"...)
		}
	}
	return dst
}

// oneLine replaces control characters, including line ends.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return ' '
		}
		return r
	}, s)
}

func parseFields(b []byte) func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		for line := range strings.Lines(string(b)) {
			name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			if ok && !yield(name, value) {
				return
			}
		}
	}
}
