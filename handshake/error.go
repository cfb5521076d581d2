package handshake

import (
	"errors"
	"io"
)

// Error says where a handshake failed.
type Error struct {
	Stage  string // what was being done: "read S1", "write C2", or "config" if nothing was
	Detail string // what was wrong, if Err does not say it all
	Value  any    // the offending value: a first byte, version, public key or signature, or how many bytes had arrived
	Err    error  // the cause, nil if the peer's bytes are it
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

// Unwrap returns the cause. A connection that ends in mid-handshake, or before it, is an [io.ErrUnexpectedEOF].
func (e *Error) Unwrap() error { return e.Err }

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
