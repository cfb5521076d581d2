package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	goleak.VerifyTestMain(m)
}

// writerFunc is an io.Writer that calls a function with each line of the log.
type writerFunc func(b []byte) (int, error)

func (w writerFunc) Write(b []byte) (int, error) { return w(b) }

// TestLogHoldsNoSecrets checks that the log contains no stream keys, and that it distinguishes targets on one server.
func TestLogHoldsNoSecrets(t *testing.T) {
	const host = "rtmp://me:secret@127.0.0.1:1/live/secret"
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer // the log writes one line after the other
	seen := map[string]bool{}
	log.SetFlags(0)
	log.SetOutput(writerFunc(func(b []byte) (int, error) {
		name, _, _ := strings.Cut(string(b), ": ")
		if seen[name] = true; len(seen) == 3 {
			cancel()
		}
		return out.Write(b)
	}))
	defer log.SetOutput(io.Discard)
	refuse := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("lost") }
	err := run(ctx, host+"?token=secret conn=S:secret", []string{host + "1", host + "2"}, rtmp.Options{DialContext: refuse})
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, map[string]bool{"rtmp://127.0.0.1:1/live": true, "target 1, rtmp://127.0.0.1:1/live": true, "target 2, rtmp://127.0.0.1:1/live": true}, seen)
	assert.NotContains(t, out.String(), "secret")
}

// TestArgumentsAreCheckedFirst checks that invalid arguments are reported, and not tried again and again.
func TestArgumentsAreCheckedFirst(t *testing.T) {
	const good = "rtmp://127.0.0.1/live/secret"
	dial := func(context.Context, string, string) (net.Conn, error) {
		assert.Fail(t, "run must not connect")
		return nil, errors.New("no network")
	}
	for _, c := range []struct {
		source, target string
		want           string
	}{
		{good, "-timeout", "scheme"},
		{"http://127.0.0.1/live", good, "scheme"},
		{good, "rtmp://", "host"},
		{good + " nonsense=1", good, "nonsense"},
	} {
		err := run(t.Context(), c.source, []string{good, c.target}, rtmp.Options{DialContext: dial})
		require.ErrorContains(t, err, c.want)
		assert.NotContains(t, err.Error(), "secret")
	}
}
