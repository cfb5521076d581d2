package message

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStatusErrorMask(t *testing.T) {
	e := &StatusError{Code: "NetStream.Publish.BadName", Description: "secret is being published"}
	require.Equal(t, `rtmp: server: NetStream.Publish.BadName: "secret is being published"`, e.Error())
	e.Mask(func(text string) string { return strings.ReplaceAll(text, "secret", "***") })
	require.Equal(t, `rtmp: server: NetStream.Publish.BadName: "*** is being published"`, e.Error())
	require.Equal(t, "secret is being published", e.Description)
}

func TestErrorsQuoteThePeer(t *testing.T) {
	hostile := "\x1b[2J\n" + strings.Repeat("x", 10_000)
	for _, err := range []error{
		&StatusError{Code: hostile, Description: hostile},
		&ProtocolError{Phase: "command", Value: hostile, Err: &StatusError{Description: hostile}},
	} {
		require.NotContains(t, err.Error(), "\x1b")
		require.NotContains(t, err.Error(), "\n")
		require.Less(t, len(err.Error()), 1000)
	}
}

// TestStatusErrorMasksOddCodes checks that a code that the protocol does not define is masked like a description.
func TestStatusErrorMasksOddCodes(t *testing.T) {
	e := &StatusError{Code: "Rejected: key_1", Description: "no"}
	e.Mask(func(text string) string { return strings.ReplaceAll(text, "key_1", "***") })
	require.Equal(t, `rtmp: server: "Rejected: ***": no`, e.Error())
}

func TestStatusRefused(t *testing.T) {
	for status, want := range map[StatusError]bool{
		{Level: "error", Code: "NetStream.Odd"}:                   true,
		{Level: "status", Code: CodePlayStreamNotFound}:           true,
		{Code: CodeFailed}:                                        true,
		{Level: "status", Code: CodePlayStart}:                    false,
		{Level: "warning", Code: "NetStream.Play.InsufficientBW"}: false,
		{}: false,
	} {
		require.Equal(t, want, status.Refused(), status)
	}
}

func TestProtocolErrorText(t *testing.T) {
	cause := errors.New("cause")
	for want, e := range map[string]*ProtocolError{
		"rtmp: protocol: chunk":                  {Phase: "chunk"},
		"rtmp: protocol: chunk: too long":        {Phase: "chunk", Detail: "too long"},
		"rtmp: protocol: chunk: too long: 5":     {Phase: "chunk", Detail: "too long", Value: 5},
		"rtmp: protocol: chunk: five":            {Phase: "chunk", Value: "five"},
		"rtmp: protocol: chunk: too long: cause": {Phase: "chunk", Detail: "too long", Err: cause},
	} {
		require.EqualError(t, e, want)
		require.Equal(t, e.Err, errors.Unwrap(e))
	}
	require.EqualError(t, &Error{Type: TypeVideo, Detail: "cut off"}, "message: Video: cut off")
	require.EqualError(t, &Error{Type: TypeVideo, Detail: "cut off", Value: 5, Err: cause}, "message: Video: cut off: 5: cause")
}
