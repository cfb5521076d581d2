package relay

import (
	"errors"
	"io"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/message"
)

// Denied reports whether err is a refusal that the server would repeat: it does not have the application, or does not allow this client to
// connect, play or publish. Use it in GiveUp. It returns false if a name is in use or a stream is not being published, since that may
// change.
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

// isSettingsError reports whether err is caused by invalid settings. Some options are checked only by Connect.
func isSettingsError(err error) bool {
	var before *settingsError
	var option *rtmp.OptionError
	return errors.As(err, &before) || errors.As(err, &option)
}

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
