// Package captured reads the events of a captured session.
package captured

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/capture"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/event"
	"github.com/go-librtmp/rtmp/internal/quote"
)

// Result describes a captured session in addition to its events.
type Result struct {
	FromServer, FromClient uint64 // sizes of the chunk streams in bytes
	Tolerated              map[string]uint64
	Problems               []string // damage to the file, and what was not recorded
	Incomplete             bool     // something is missing
	Last                   time.Duration
}

const maxProblems = 20

// Play passes the events of a session to sink, in order, until ctx is done.
func Play(ctx context.Context, s *capture.Session, sink event.Sink) (r Result, err error) {
	info := s.Info()
	h := info.Handshake
	if h.Type != 0 {
		sink.Add(&event.Event{Kind: event.HandshakeStart})
		sink.Add(&event.Event{Kind: event.HandshakeDone, Handshake: rtmp.HandshakeInfo{ServerType: h.Type, ServerVersion: serverVersion(info),
			Digest: h.Digest, ReplyValid: h.ReplyValid || info.Role != capture.RoleClient, Encrypted: h.Type >= 6 && h.Type <= 9}})
	}
	reader := s.Reader()
	var m capture.Message
	for {
		if ctx.Err() != nil {
			r.missing("interrupted: the rest was not read")
			break
		}
		err := reader.Next(&m)
		var damage *capture.DamageError
		switch {
		case err == nil:
			r.message(&m, sink)
			continue
		case errors.As(err, &damage):
			r.missing(damage.Error())
			continue
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		default:
			return r, err
		}
		break
	}
	r.Tolerated = tolerated(reader)
	end, complete := s.End()
	if !complete {
		r.missing("the recording has no end: the program was killed, or the file is cut off")
	}
	if strings.HasPrefix(end.Reason, packetsEnd) {
		r.problem("the packets end before the session does")
	}
	for _, missing := range end.Missing {
		r.missing("not recorded: " + missing)
	}
	r.Last = max(r.Last, s.Duration())
	sink.Add(&event.Event{At: r.Last, Kind: event.Ended, Err: ended(end.Reason, h.Type != 0)})
	return r, nil
}

func (r *Result) message(m *capture.Message, sink event.Sink) {
	r.Last = m.At
	if m.From == capture.FromServer {
		r.FromServer += uint64(m.Wire)
	} else {
		r.FromClient += uint64(m.Wire)
	}
	if m.Dropped {
		return
	}
	sink.Add(&event.Event{At: m.At, Kind: event.Message, Sent: m.From == capture.FromClient, Packet: &m.Packet})
}

func (r *Result) missing(text string) {
	r.Incomplete = true
	r.problem(text)
}

func (r *Result) problem(text string) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, quote.Text(text, 300))
	}
}

// serverVersion returns the server's version, which is unknown if the server recorded the session.
func serverVersion(info capture.Info) [4]byte {
	if info.Role == capture.RoleServer {
		return [4]byte{}
	}
	return info.Handshake.Version
}

func tolerated(r *capture.Reader) map[string]uint64 {
	wrong := event.Tolerated(r.Tolerated(capture.FromServer))
	for what, n := range event.Tolerated(r.Tolerated(capture.FromClient)) {
		wrong["the client's "+what] = n
	}
	return wrong
}

type lost struct{ reason string }

func (e *lost) Error() string { return e.reason }

func (e *lost) Unwrap() error { return io.ErrUnexpectedEOF }

const packetsEnd = "the packets end"

// ended returns why a session has ended, or nil if the client has ended it or the reason is unknown. begun is whether there was a
// connection.
func ended(reason string, begun bool) error {
	if !begun && reason != "" {
		return errors.New(reason)
	}
	if reason == "" || strings.HasPrefix(reason, "the client closed") || strings.HasPrefix(reason, packetsEnd) {
		return nil
	}
	return &lost{reason}
}

// Name returns the name of a session in a file.
func Name(file string, s *capture.Session, i, n int) string {
	name := file
	if n > 1 {
		name += fmt.Sprintf(", session %d of %d", i+1, n)
	}
	info := s.Info()
	what := info.Transport
	if what == "" {
		what = "a session"
	}
	if info.Server != "" {
		what += " with " + info.Server
	}
	if !info.Began.IsZero() {
		what += ", " + info.Began.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return name + ": " + what + fmt.Sprintf(", recorded by the %s", info.Role)
}
