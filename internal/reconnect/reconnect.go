// Package reconnect has what programs have in common that connect again when a connection is lost, or when the server asks for it
// (E-RTMP v2, Reconnect Request).
package reconnect

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/message"
)

// Delay is how long to wait after failed failures in a row before the one that has just happened. It doubles with each, from
// first, 0: half a second, to longest, 0: half a minute; and is by chance up to half less or more, so that not all clients of a
// server come back at once.
func Delay(first, longest time.Duration, failed int) time.Duration {
	delay := cmp.Or(first, 500*time.Millisecond)
	longest = cmp.Or(longest, 30*time.Second)
	for ; failed > 0 && delay < longest; failed-- {
		delay *= 2
	}
	delay = max(1, min(delay, longest))
	return delay/2 + rand.N(delay)
}

// Sleep waits for d, or until ctx is done, whose cause it returns.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// extensions are those of package rtmp, and coming back when the server asks for it.
const extensions = rtmp.ExtReconnect | rtmp.ExtMultitrack | rtmp.ExtModEx | rtmp.ExtTimestampOffset

// Announce makes connect say that a request to reconnect is understood, where the options allow to follow one and don't say
// themselves what is understood.
func Announce(o *rtmp.Options) {
	if _, given := o.ConnectFields.Get("capsEx"); !given && !o.NoEnhanced && o.FollowReconnect != rtmp.FollowNone {
		o.ConnectFields = append(amf.Object{{Name: "capsEx", Value: float64(extensions)}}, o.ConnectFields...)
	}
}

// Request reports whether a status is a request to reconnect, and the tcUrl that it leads to, "": the present one.
func Request(status *rtmp.StatusError) (tcURL string, ok bool) {
	if info, is := status.Info.(amf.Object); is {
		value, _ := info.Get("tcUrl")
		tcURL, _ = value.(string)
	}
	return tcURL, status.Code == message.CodeConnectReconnectRequest
}
