package handshake

import (
	"errors"
	"io"
)

// Error reports at which stage a handshake failed, and why.
type Error struct {
	Stage  string // the step that failed, such as "read S1" or "write C2"; "config" for an invalid Config
	Detail string // what was wrong; empty if Err explains it
	Value  any    // the offending value: a first byte, version, public key or signature, or the number of bytes received
	Err    error  // the cause; nil if the peer's bytes are at fault
}

// Error returns the text "handshake: stage: detail: cause".
func (e *Error) Error() string {
	s := "handshake: " + e.Stage
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause. It is [io.ErrUnexpectedEOF] if the connection ended before or during the handshake.
func (e *Error) Unwrap() error { return e.Err }

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
