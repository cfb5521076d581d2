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

	mu       sync.Mutex // guards the fields below, up to expected
	started  bool
	flows    bool   // media has arrived
	ended    bool   // the server has signalled the end; while seeking, the end of the old position
	paused   bool   // true from Pause until the server has confirmed Unpause; a StreamEOF in that time is ignored
	seeking  bool   // true from Seek until the server's notification; media in that time is from the old position
	position uint32 // timestamp of the last audio or video message in ms
	err      error  // why the stream has ended: the server's error, or Close
	bindings session.Bindings
	expected []*expectation

	options  StreamOptions
	name     string
	readWake chan struct{} // signalled when the reading half must check the state
}

func newStreamState(c *link, o StreamOptions) *streamState {
	return &streamState{conn: c, name: o.Name, options: o, readWake: make(chan struct{}, 1)}
}

// expectation is a wait for one of several statuses, such as Play.Start.
type expectation struct {
	codes []string
	done  chan struct{}
	err   error
	once  sync.Once
}

func (e *expectation) finish(err error) {
	e.once.Do(func() {
		e.err = err
		close(e.done)
	})
}

func (e *expectation) finished() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}

// succeeded reports whether the wait has ended without an error. Its request may still be registered for a moment.
func (e *expectation) succeeded() bool { return e.finished() && e.err == nil }

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
	what, hint := "play", ""
	switch {
	case s.options.Writable:
		what = "publish"
		if !s.conn.opts.publishes() {
			hint = "Options.Publish is not set, and the server may take this client for a player"
		}
	case s.name == "":
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
	awaited := false
	for _, e := range s.expected {
		switch {
		case slices.Contains(e.codes, status.Code):
			e.finish(nil)
			awaited = true
		case refusal && !e.succeeded():
			e.finish(s.conn.session.Refusal(status))
			awaited = true
		}
	}
	switch status.Code {
	case message.CodePlayStart, message.CodePlayPublishNotify:
		s.started = true
	case message.CodePlayStop, message.CodePlayComplete, message.CodePlayUnpublishNotify:
		s.ended = true
	case message.CodeSeekNotify:
		s.seeking, s.ended = false, false
	case message.CodePauseNotify:
		s.paused = true // an earlier Unpause may have timed out and been confirmed since
	case message.CodeUnpauseNotify:
		s.paused = false
	}
	if refusal && !awaited && s.err == nil {
		s.err = s.conn.session.Refusal(status)
	}
	open = s.err != errStreamClosed
	s.mu.Unlock()
	session.Signal(s.readWake)
	return open
}

// streamEOF handles the user control event StreamEOF. It ends the stream, unless the event only confirms a pause.
func (s *streamState) streamEOF() {
	s.mu.Lock()
	if s.started && !s.paused {
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
	for _, e := range s.expected {
		e.finish(nil)
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
