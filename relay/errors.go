package relay

import (
	"errors"
	"io"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/message"
)

// Denied reports whether err is a refusal that the next try would meet, too: the server does not have the application, or does not
// let this client in, or not play or publish. It is for GiveUp. A name that is in use, or a stream that nobody publishes, is
// another matter.
func Denied(err error) bool {
	var refused *rtmp.StatusError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code {
	case message.CodeConnectInvalidApp, message.CodeConnectRejected, message.CodePlayFailed,
		message.CodePublishDenied, message.CodePublishRejected, message.CodeRecordNoAccess:
		return true
	}
	return false
}

// hopeless reports whether err says that the program has asked for what can't be. Some options are looked at only by Connect.
func hopeless(err error) bool {
	var before *impossible
	var option *rtmp.OptionError
	return errors.As(err, &before) || errors.As(err, &option)
}

// kindOf says what it means that a connection has ended with err, or did not come about.
func kindOf(err error) EventKind {
	var refused *rtmp.StatusError
	switch {
	case errors.Is(err, io.EOF):
		return Unpublished
	case !errors.As(err, &refused):
		return Down
	case refused.Code == message.CodePlayStreamNotFound, refused.Code == message.CodePlayUnpublishNotify:
		return Unpublished
	}
	return Refused
}
