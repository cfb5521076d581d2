package findings

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/message"
)

func in(stage string, err error) error { return &rtmp.HandshakeError{Stage: stage, Err: err} }

func s(seconds float64) report.Duration { return report.Duration(seconds * float64(time.Second)) }

// accepted are the stages of a player whose server accepts everything.
func accepted() []report.Stage {
	return []report.Stage{{Name: report.TCP, Text: "192.0.2.1:1935"}, {Name: report.Handshake}, {Name: report.Connect}, {Name: report.Play}}
}

var (
	errRefused = &message.StatusError{Code: "No", Level: "error"}
	errTimeout = fmt.Errorf("no answer: %w", os.ErrDeadlineExceeded)
	errClosed  = fmt.Errorf("dial: %w", syscall.ECONNREFUSED)
	noAnswer   = []report.Stage{{Name: report.Connect, Error: "x"}}
)

// examples contains a report for each rule that matches it.
var examples = map[string]report.Report{
	"name-unknown":            {Err: in(rtmp.StageDial, &net.DNSError{})},
	"port-closed":             {Err: in(rtmp.StageDial, errClosed)},
	"unreachable":             {Err: in(rtmp.StageDial, errTimeout)},
	"proxy":                   {Err: in(rtmp.StageProxy, errClosed)},
	"certificate-self-signed": {Err: in(rtmp.StageTLS, x509.UnknownAuthorityError{}), TLS: &report.TLS{SelfSigned: true}},
	"certificate-untrusted":   {Err: in(rtmp.StageTLS, x509.UnknownAuthorityError{}), TLS: &report.TLS{}},
	"certificate-expired":     {Err: in(rtmp.StageTLS, x509.CertificateInvalidError{Reason: x509.Expired}), TLS: &report.TLS{Names: []string{"h"}}},
	"certificate-name":        {Err: in(rtmp.StageTLS, x509.HostnameError{Certificate: &x509.Certificate{}}), TLS: &report.TLS{Names: []string{"h"}}},
	"certificate-invalid":     {Err: in(rtmp.StageTLS, &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}})},
	"not-tls":                 {Err: in(rtmp.StageTLS, tls.RecordHeaderError{}), TLS: &report.TLS{}},
	"tls-silent":              {Err: in(rtmp.StageTLS, errTimeout)},
	"tls-failed":              {Err: in(rtmp.StageTLS, io.ErrUnexpectedEOF), TLS: &report.TLS{}},
	"certificate-expires":     {TLS: &report.TLS{Expires: time.Now().Add(time.Hour)}},
	"tls-old":                 {TLS: &report.TLS{Version: "TLS 1.1"}},
	"tunnel":                  {Err: in(rtmp.StageTunnel, io.ErrUnexpectedEOF)},
	"unencrypted-key":         {Publish: true, Server: report.Server{Handshake: "plain"}, Stages: accepted()},
	"not-rtmp":                {Err: in(rtmp.StageRTMP, &handshake.Error{Value: byte('H')})},
	"handshake-hangup":        {Err: in(rtmp.StageRTMP, io.ErrUnexpectedEOF)},
	"handshake-silent":        {Err: in(rtmp.StageRTMPE, errTimeout)},
	"connect-hangup":          {Err: in(rtmp.StageConnect, io.ErrUnexpectedEOF)},
	"connect-silent":          {Err: errTimeout, Stages: noAnswer},
	"wants-user":              {Err: errRefused, Error: "code=403 need auth; authmod=adobe", Stages: noAnswer},
	"user-refused":            {Err: errRefused, Error: "authmod=adobe ] : ?reason=authfailed", Stages: noAnswer},
	"connect-refused":         {Err: errRefused, Stages: noAnswer},
	"stream-not-found":        {Err: errRefused, Stages: accepted()},
	"publish-refused":         {Err: errRefused, Publish: true, Stages: accepted()},
	"stream-silent":           {Err: errTimeout, Stages: accepted()},
	"stream-hangup":           {Err: io.ErrUnexpectedEOF, Stages: append(accepted(), report.Stage{Name: report.Publish, Error: "x"})},
	"interrupted":             {Err: in(rtmp.StageTLS, context.Canceled), Error: "x: "},
	"lost":                    {Err: io.ErrUnexpectedEOF},
	"broken":                  {Err: &message.ProtocolError{}},
	"enhanced-breaks": {Server: report.Server{Handshake: "plain"},
		Stages: []report.Stage{{Name: "again", Text: "once more, without announcing Enhanced RTMP"}}},
	"incomplete":           {Incomplete: true},
	"tolerated":            {Wire: report.Wire{Tolerated: map[string]uint64{"x": 1}}},
	"unreadable":           {Wire: report.Wire{Unreadable: 1}},
	"unknown-messages":     {Wire: report.Wire{UnknownMessages: map[string]int{"x": 1}}},
	"slow-answers":         {Trips: report.Trips{Slow: []string{"play"}}},
	"slow-requests":        {Trips: report.Trips{Late: []string{"createStream"}}},
	"pipelining":           {Trips: report.Trips{RTMP: 4, Commands: 2, Earliest: 1, RTT: s(0.02)}},
	"small-chunks":         {Wire: report.Wire{MessagesReceived: 100, TheirChunks: 128}},
	"small-window":         {Wire: report.Wire{TheirWindow: 1000}},
	"no-media":             {Stages: accepted()},
	"no-key-frame":         {Media: report.Media{Video: &report.Video{Keys: report.Keys{Longest: s(10)}}}},
	"video-header-missing": {Media: report.Media{Video: &report.Video{Header: report.Header{Needed: true, Early: 3}}}},
	"audio-header-missing": {Media: report.Media{Audio: &report.Audio{Header: report.Header{Needed: true, Early: 3}}}},
	"header-late":          {Media: report.Media{Video: &report.Video{Header: report.Header{Needed: true, Count: 1, Early: 3}}}},
	"key-frames-rare":      {Media: report.Media{Video: &report.Video{Keys: report.Keys{Count: 2, Longest: s(10)}}}},
	"time-jumps":           {Media: report.Media{Jumps: report.Moments{Count: 1, Track: "video"}}},
	"time-runs-back":       {Media: report.Media{Backs: report.Moments{Count: 1, Track: "video"}}},
	"time-repeats":         {Media: report.Media{Repeats: report.Moments{Count: 2, Track: "audio"}}},
	"apart":                {Media: report.Media{Offset: s(-0.7)}},
	"drift":                {Media: report.Media{Drift: s(0.2)}},
	"audio-clock":          {Media: report.Media{Audio: &report.Audio{Clock: s(0.5)}}},
	"slow":                 {Media: report.Media{Pace: 0.5}},
	"stalls":               {Media: report.Media{Stalls: []report.Gap{{Took: s(1)}}}},
	"ended":                {Err: io.EOF, Media: report.Media{First: 1}},
	"metadata-differs":     {Media: report.Media{Video: &report.Video{Width: 1, Height: 1, Claimed: "2x2"}}},
	"metadata-missing":     {Media: report.Media{First: 1, For: s(5)}},
	"b-frames":             {Media: report.Media{Video: &report.Video{BFrames: true}}},
	"burst":                {Media: report.Media{Burst: s(3)}},
	"key-frame-late":       {Media: report.Media{First: s(1), FirstKey: s(3)}},
	"one-kind":             {Media: report.Media{First: 1, For: s(5), Video: &report.Video{}}},
}

func TestEveryRule(t *testing.T) {
	docs, err := os.ReadFile("../../../../docs/rtmpprobe.md")
	require.NoError(t, err)
	for _, table := range [][]rule{network, protocol, media, interrupted} {
		for _, rule := range table {
			example, ok := examples[rule.id]
			if !assert.True(t, ok, rule.id) {
				continue
			}
			found := Judge(&example)
			if rule.grade == report.Error {
				assert.Equal(t, report.Error, found[0].Grade)
				assert.Truef(t, len(found) == 1 || found[1].Grade != report.Error, "a report must have one error only: %v", found)
			}
			i := slices.IndexFunc(found, func(f report.Finding) bool { return f.ID == rule.id })
			if !assert.GreaterOrEqual(t, i, 0, "%s: %v", rule.id, found) {
				continue
			}
			f := found[i]
			assert.Equal(t, rule.grade, f.Grade)
			assert.Regexp(t, `^[A-Z0-9].*\.$|: $`, f.Text)
			assert.Equal(t, rule.do, f.Do)
			assert.Regexp(t, `(?m)^\| `+regexp.QuoteMeta(rule.id)+` \| `+string(rule.grade)+` \|`, string(docs), "docs/rtmpprobe.md must list all rules")
		}
	}
	assert.Len(t, examples, len(network)+len(protocol)+len(media)+len(interrupted))
}

func TestNothingThatFailedIsWell(t *testing.T) {
	assert.Equal(t, "well", Judge(&report.Report{})[0].ID)
	assert.Equal(t, report.OK, Worst(Judge(&report.Report{})))
	found := Judge(&report.Report{Err: io.ErrClosedPipe, Error: "odd"})
	assert.Equal(t, []report.Finding{{ID: "failed", Grade: report.Error, Text: "The session failed: odd"}}, found)
	found = Judge(&report.Report{Wire: report.Wire{Unreadable: 1, UnknownMessages: map[string]int{"x": 1}}})
	assert.Equal(t, report.Warning, Worst(found))
	assert.Equal(t, report.Warning, found[0].Grade, "the worst finding must be the first")
	for _, f := range found {
		assert.NotEqual(t, "well", f.ID)
	}
}

// TestPatience checks that with --watch missing media is not reported before it could have arrived.
func TestPatience(t *testing.T) {
	r := report.Report{Stages: accepted(), Since: s(1)}
	assert.Equal(t, "well", Judge(&r)[0].ID)
	r.Since = s(10)
	assert.Equal(t, "no-media", Judge(&r)[0].ID)
}

func TestPicturesThatAreAnnouncedOnly(t *testing.T) {
	found := Judge(&report.Report{Media: report.Media{Announced: true, First: 1, For: s(4), Audio: &report.Audio{}, Metadata: true}})
	assert.Equal(t, "no-key-frame", found[0].ID)
	assert.Len(t, found, 1)
}
