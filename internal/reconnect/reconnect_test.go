package reconnect

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/message"
)

func TestDelay(t *testing.T) {
	for _, c := range []struct {
		first, longest time.Duration
		failed         int
		want           time.Duration
	}{
		{0, 0, 0, 500 * time.Millisecond},
		{0, 0, 3, 4 * time.Second},
		{0, 0, 1 << 30, 30 * time.Second},
		{time.Second, 3 * time.Second, 1, 2 * time.Second},
		{time.Second, 3 * time.Second, 2, 3 * time.Second},
		{time.Hour, time.Second, 0, time.Second},
	} {
		least, most := time.Duration(1<<62), time.Duration(0)
		for range 1000 {
			d := Delay(c.first, c.longest, c.failed)
			least, most = min(least, d), max(most, d)
		}
		assert.GreaterOrEqual(t, least, c.want/2)
		assert.Less(t, most, 3*c.want/2)
		assert.Greater(t, most-least, c.want/2, "by chance")
	}
}

func TestSleep(t *testing.T) {
	assert.NoError(t, Sleep(t.Context(), -1))
	why := errors.New("why")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	assert.Equal(t, why, Sleep(ctx, time.Hour))
}

func TestAnnounce(t *testing.T) {
	theirs := amf.Object{{Name: "capsEx", Value: 2.0}}
	for _, c := range []struct {
		o    rtmp.Options
		want any
	}{
		{rtmp.Options{}, 15.0},
		{rtmp.Options{ConnectFields: theirs}, 2.0},
		{rtmp.Options{NoEnhanced: true}, nil},
		{rtmp.Options{FollowReconnect: rtmp.FollowNone}, nil},
	} {
		announce(&c.o)
		got, _ := c.o.ConnectFields.Get("capsEx")
		assert.Equal(t, c.want, got)
	}
}

func TestRequest(t *testing.T) {
	to := amf.Object{{Name: "tcUrl", Value: "rtmp://x/y"}}
	for _, c := range []struct {
		code string
		info any
		want string
		ok   bool
	}{
		{message.CodeConnectReconnectRequest, to, "rtmp://x/y", true},
		{message.CodeConnectReconnectRequest, nil, "", true},
		{message.CodeConnectReconnectRequest, amf.Object{{Name: "tcUrl", Value: 1.0}}, "", true},
		{message.CodeConnectRejected, to, "rtmp://x/y", false},
	} {
		got, ok := request(&rtmp.StatusError{Code: c.code, Info: c.info})
		assert.Equal(t, c.want, got)
		assert.Equal(t, c.ok, ok)
	}
}
