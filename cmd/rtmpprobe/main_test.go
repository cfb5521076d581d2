package main

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type result struct {
	code           int
	stdout, stderr string
}

func command(t testing.TB, args ...string) result {
	t.Helper()
	return commandUntil(conntest.Context(t), args...)
}

func commandUntil(ctx context.Context, args ...string) result {
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, &stdout, &stderr, false)
	return result{code, stdout.String(), stderr.String()}
}

// reported is the part of the JSON report that tests check.
type reported struct {
	URL    string `json:"url"`
	Error  string
	Stages []struct{ Name, Text, Error string }
	Server struct{ Software string }
	Media  struct {
		Video *struct {
			Codec   string
			BFrames bool `json:"b_frames"`
		}
		Audio *struct{ Codec string }
	}
	Trials []struct {
		What   string
		Worked bool
		Text   string
	}
	Commands []struct {
		Program string
		Lines   []string
	}
	Findings []struct{ ID, Grade, Text, Do string }
}

func probed(t testing.TB, args ...string) (reported, result) {
	t.Helper()
	got := command(t, append([]string{"--json"}, args...)...)
	return only(t, got), got
}

func publishing(t testing.TB, url string, do func()) reported {
	t.Helper()
	ctx, cancel := context.WithCancel(conntest.Context(t))
	defer cancel()
	done := make(chan result, 1)
	go func() { done <- commandUntil(ctx, "--json", "--publish", "--for", "1m", url) }()
	do()
	cancel()
	return only(t, <-done)
}

func only(t testing.TB, got result) reported {
	t.Helper()
	var reports []reported
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &reports), got.stdout+got.stderr)
	require.Len(t, reports, 1)
	return reports[0]
}

// busy are the findings that a busy machine may cause, and "well", which appears only without them.
var busy = []string{"stalls", "slow", "slow-answers", "pipelining", "burst", "key-frame-late", "well"}

func (r reported) ids() (ids []string) {
	for _, f := range r.Findings {
		if !slices.Contains(busy, f.ID) {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

func (r reported) grade(id string) string {
	for _, f := range r.Findings {
		if f.ID == id {
			return f.Grade
		}
	}
	return ""
}
