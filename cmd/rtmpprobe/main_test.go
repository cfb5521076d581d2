package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// result is what the command has printed.
type result struct {
	code           int
	stdout, stderr string
}

// command runs the command.
func command(t testing.TB, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(conntest.Context(t), args, &stdout, &stderr, false)
	return result{code, stdout.String(), stderr.String()}
}

// reported is what --json prints, as far as tests look at it.
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

// probed is the report of one URL.
func probed(t testing.TB, args ...string) (reported, result) {
	t.Helper()
	got := command(t, append([]string{"--json"}, args...)...)
	var reports []reported
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &reports), got.stdout+got.stderr)
	require.Len(t, reports, 1)
	return reports[0], got
}

// busy are the findings that a machine which has much else to do may bring about, and "well", which is there without them.
var busy = []string{"stalls", "slow", "slow-answers", "pipelining", "burst", "key-frame-late", "well"}

// ids are the findings without those of busy.
func (r reported) ids() (ids []string) {
	for _, f := range r.Findings {
		if !slices.Contains(busy, f.ID) {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

// grade is that of a finding, "" if there is none.
func (r reported) grade(id string) string {
	for _, f := range r.Findings {
		if f.ID == id {
			return f.Grade
		}
	}
	return ""
}
