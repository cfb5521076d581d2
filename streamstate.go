package rtmp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// streamState is the state that both halves of a Stream share: its options, and what the server has said about the stream.
type streamState struct {
	conn *link
	id   uint32

	mu       sync.Mutex // guards the fields below, up to requests
	started  bool
	flows    bool   // media has arrived
	ended    bool   // the server has signalled the end; while seeking, the end of the old position
	paused   bool   // the server has paused, or may still do so; a StreamEOF in that time is ignored
	notified string // CodePauseNotify or CodeUnpauseNotify, whichever the server has sent last, unless it has started anew since; "" if neither
	asked    string // the code that would answer the last request to pause or to continue that was sent; "" if none was
	eof      bool   // StreamEOF has arrived while Pause was unanswered; it is the end unless the server pauses
	position uint32 // timestamp of the last audio or video message in ms
	err      error  // why the stream has ended: the server's error, or Close
	bindings session.Bindings
	requests []*request // in the order in which they are sent; a request stays for a moment after its answer

	options   StreamOptions
	name      string
	readWake  chan struct{} // signalled when the reading half must check the state
	writeWake chan struct{} // signalled when a write in progress must check the state; nil if the stream plays
}

func newStreamState(c *link, o StreamOptions) *streamState {
	s := &streamState{conn: c, name: o.Name, options: o, readWake: make(chan struct{}, 1)}
	if o.Writable {
		s.writeWake = make(chan struct{}, 1)
	}
	return s
}

// seeking reports whether a Seek is unanswered. Until then, media is from the old position. The caller holds s.mu.
func (s *streamState) seeking() bool { return s.awaits(message.CodeSeekNotify) }

// atEnd reports whether the server has ended the stream. The caller holds s.mu.
func (s *streamState) atEnd() bool {
	return (s.ended || s.eof && !s.paused && !s.awaits(message.CodePauseNotify)) && !s.seeking()
}

// opening describes the operation that opens the stream, for the text of errors. The description contains no secrets: the name of a
// published stream is a key, and the part after a ? in any name may be a token.
func (s *streamState) opening(what string) string {
	name, _, _ := strings.Cut(s.name, "?")
	if s.options.Writable || name == "" {
		return what
	}
	return what + " " + quote.Peer(name)
}

// notOpened returns the error of a stream that could not be opened.
func (s *streamState) notOpened(err error) error {
	var option *OptionError
	if errors.As(err, &option) {
		return err
	}
	what, hint := "play", s.conn.playerHint(err)
	switch {
	case s.options.Writable:
		what = "publish"
		if hint == "" && !s.conn.opts.publishes() {
			hint = "Options.Publish is not set, and the server may take this client for a player"
		}
	case hint == "" && s.name == "":
		hint = "neither the URL nor the options name a stream"
	}
	if hint != "" && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %s", err, hint)
	}
	return session.During(s.opening(what), err)
}

// statusReceived handles an onStatus for this stream. It returns false if the program has closed the stream. The reader calls it.
func (s *streamState) statusReceived(status *StatusError) (open bool) {
	refusal := status.Refused()
	s.mu.Lock()
	awaited := s.answer(status, refusal)
	switch status.Code {
	case message.CodePlayStart, message.CodePlayPublishNotify:
		s.started, s.notified = true, ""
	case message.CodePlayStop, message.CodePlayComplete, message.CodePlayUnpublishNotify:
		s.ended = true
	case message.CodeSeekNotify:
		s.ended, s.eof, s.notified = false, false, ""
	case message.CodePauseNotify, message.CodeUnpauseNotify:
		s.paused, s.eof, s.notified = status.Code == message.CodePauseNotify, false, status.Code
	}
	late := controlOf(status.Code) != "" // the refusal of a control that has given up, which leaves the stream as it was
	if refusal && !awaited && !late && s.err == nil {
		s.err = s.conn.session.Refusal(status)
	}
	open = s.err != errStreamClosed
	s.mu.Unlock()
	session.Signal(s.readWake)
	session.Signal(s.writeWake)
	return open
}

// streamEOF handles the user control event StreamEOF. It ends the stream, unless the event only confirms a pause.
func (s *streamState) streamEOF() {
	s.mu.Lock()
	switch {
	case !s.started || s.paused:
	case s.awaits(message.CodePauseNotify):
		s.eof = true
	default:
		s.ended = true
	}
	s.mu.Unlock()
	session.Signal(s.readWake)
}

// end ends the stream as Play.Stop does.
func (s *streamState) end() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	session.Signal(s.readWake)
}

// begin marks the stream as playing because media has arrived, since some servers send no Play.Start. The caller holds s.mu.
func (s *streamState) begin() {
	s.started = true
	for _, r := range s.requests {
		if slices.Contains(r.codes, message.CodePlayStart) { // media answers neither Pause nor Unpause
			r.Complete(nil)
		}
	}
}

// bound returns an error if the context of a binding is done. It is the error of the context that was done first. what names the operation
// in progress. The caller holds s.mu.
func (s *streamState) bound(what string) error {
	if err := s.bindings.Err(); err != nil {
		return fmt.Errorf("rtmp: %s: %w", what, err)
	}
	return nil
}
