package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// ErrBacklog is returned to a waiter that would have to read while a queue of received media is full. Nothing is lost, and the
// connection is alive.
var ErrBacklog = errors.New("rtmp: too much unread media")

// TimeoutError is a net.Error that wraps os.ErrDeadlineExceeded.
type TimeoutError struct {
	What string // what took too long
	Hint string // a possible reason; may be empty
}

// Error returns a text that says what took too long.
func (e *TimeoutError) Error() string {
	text := "rtmp: " + e.What + ": timed out"
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

// Timeout returns true. It implements net.Error.
func (e *TimeoutError) Timeout() bool { return true }

// Temporary returns true. It implements net.Error.
func (e *TimeoutError) Temporary() bool { return true }

// Unwrap returns os.ErrDeadlineExceeded.
func (e *TimeoutError) Unwrap() error { return os.ErrDeadlineExceeded }

// LostError reports that a connection was lost. It wraps io.ErrUnexpectedEOF, whatever the cause.
type LostError struct {
	What  string // the operation in progress
	Peer  string // the role of the other end; "" means server
	Cause error  // nil if the peer has closed the connection
	Said  error  // why the peer has closed the connection, if it has said so; may be nil
}

// Error returns a text that says whether the peer has closed the connection, or why it was lost.
func (e *LostError) Error() string {
	if e.Cause == nil || errors.Is(e.Cause, io.EOF) || errors.Is(e.Cause, io.ErrUnexpectedEOF) {
		text := "rtmp: " + e.What + ": the " + cmp.Or(e.Peer, "server") + " closed the connection"
		if e.Said != nil {
			text += ": " + strings.TrimPrefix(e.Said.Error(), "rtmp: ")
		}
		return text
	}
	return "rtmp: " + e.What + ": connection lost: " + strings.TrimPrefix(e.Cause.Error(), e.What+": ")
}

// Unwrap returns io.ErrUnexpectedEOF, the cause, and what the peer has said.
func (e *LostError) Unwrap() []error {
	all := []error{io.ErrUnexpectedEOF}
	for _, err := range []error{e.Cause, e.Said} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// During returns err with the name of the failed operation before its text. The name is a phase, which may be followed by the name of a
// stream. The text contains "rtmp: " and the phase only once.
func During(what string, err error) error { return &phaseError{what: what, err: err} }

// Cancelled returns err or, if err says that a context is done, an error with the same cause that names the operation what. So the text does
// not depend on whether the operation was waiting to write or waiting for the answer.
func Cancelled(what string, err error) error {
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, cause) {
			return fmt.Errorf("rtmp: %s: %w", what, cause)
		}
	}
	return err
}

type phaseError struct {
	what string
	err  error
}

func (e *phaseError) Error() string {
	text := strings.TrimPrefix(e.err.Error(), "rtmp: ")
	phase, _, _ := strings.Cut(e.what, " ")
	for _, said := range []string{e.what, phase} {
		text = strings.TrimPrefix(text, said+": ")
	}
	return "rtmp: " + e.what + ": " + text
}

func (e *phaseError) Unwrap() error { return e.err }

// HungUp reports whether err means that the peer has closed the connection, without a reset.
func HungUp(err error) bool {
	var lost *LostError
	return errors.As(err, &lost) && lost.Cause == nil
}

// ReadError converts an error of the chunk reader.
func ReadError(err error, peer string) error {
	var bad *chunk.Error
	var protocol *message.ProtocolError
	switch {
	case errors.As(err, &bad):
		return &message.ProtocolError{Phase: "chunk", Detail: bad.Detail, Value: bad.Value, Err: err}
	case errors.As(err, &protocol):
		return err
	case errors.Is(err, net.ErrClosed):
		return fmt.Errorf("rtmp: read: %w", err)
	case errors.Is(err, io.EOF):
		return &LostError{What: "read", Peer: peer}
	}
	return &LostError{What: "read", Peer: peer, Cause: err}
}
