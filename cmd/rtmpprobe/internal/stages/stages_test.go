package stages_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/event"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/stages"
	"github.com/go-librtmp/rtmp/message"
)

type session struct {
	*testing.T
	b   *stages.Builder
	now time.Duration
	r   report.Report
}

func newSession(t *testing.T, mask func(string) string) *session {
	s := &session{T: t}
	s.b = stages.New(&s.r, mask)
	return s
}

// then adds an event ms milliseconds after the previous one.
func (s *session) then(ms int, e event.Event) {
	s.now += time.Duration(ms) * time.Millisecond
	e.At = s.now
	s.b.Add(&e)
}

func (s *session) command(ms int, sent bool, name string, id float64, object any, args ...any) {
	s.Helper()
	body, err := message.AppendCommand(nil, message.TypeCommandAMF0, &message.Command{Name: name, TransactionID: id, Object: object, Args: args})
	require.NoError(s, err)
	s.then(ms, event.Event{Kind: event.Message, Sent: sent, Packet: &message.Packet{Type: message.TypeCommandAMF0, Body: body}})
}

func (s *session) video(ms int, body ...byte) {
	s.then(ms, event.Event{Kind: event.Message, Packet: &message.Packet{Type: message.TypeVideo, Body: body}})
}

func (s *session) opening(rtt int) {
	s.then(0, event.Event{Kind: event.Attempt})
	s.then(0, event.Event{Kind: event.Dialling, Text: "192.0.2.1:1935"})
	s.then(rtt, event.Event{Kind: event.Dialled, Text: "192.0.2.1:1935"})
	s.then(0, event.Event{Kind: event.HandshakeStart})
	s.then(rtt, event.Event{Kind: event.HandshakeDone, Handshake: rtmp.HandshakeInfo{ServerType: 3, ReplyValid: true, ServerVersion: [4]byte{5, 0, 1, 1}}})
}

func started() amf.Object {
	return message.StatusObject("status", message.CodePlayStart, "Started")
}

func (s *session) names() (names []string) {
	for _, stage := range s.r.Stages {
		names = append(names, stage.Name)
	}
	return names
}

func (s *session) stage(name string) report.Stage {
	s.Helper()
	for _, stage := range s.r.Stages {
		if stage.Name == name {
			return stage
		}
	}
	require.Fail(s, "no stage", name)
	return report.Stage{}
}

func TestAPlayer(t *testing.T) {
	s := newSession(t, nil)
	s.opening(20)
	s.command(0, true, "connect", 1, nil)
	s.command(21, false, "_result", 1, amf.Object{{Name: "fmsVer", Value: "FMS/3,0,1,123"}, {Name: "capabilities", Value: 31.0}},
		amf.Object{{Name: "code", Value: message.CodeConnectSuccess}, {Name: "objectEncoding", Value: 0.0}, {Name: "capsEx", Value: 3.0},
			{Name: "videoFourCcInfoMap", Value: amf.Object{{Name: "hvc1", Value: 7.0}}}})
	s.command(1, true, "createStream", 2, nil)
	s.command(22, false, "_result", 2, nil, 1.0)
	s.command(0, true, "play", 0, nil, "name")
	s.command(60, false, "onStatus", 0, nil, message.StatusObject("status", message.CodePlayReset, ""))
	s.command(2, false, "onStatus", 0, nil, started())
	s.video(1, 0x17, 0, 0, 0, 0)
	s.video(30, 0x17, 1, 0, 0, 0, 1)
	assert.Equal(t, []string{"tcp", "handshake", "connect", "createStream", "play", "first packet", "first key frame"}, s.names())
	assert.Equal(t, "plain, server version 5.0.1.1", s.stage("handshake").Text)
	assert.Equal(t, "FMS/3,0,1,123, which may be nginx-rtmp, ffmpeg, SRS or lal, capabilities 31, AMF0, "+
		"Enhanced RTMP (reconnect multitrack hvc1)", s.stage("connect").Text)
	assert.Equal(t, 21*time.Millisecond, s.stage("connect").Took.Std())
	assert.Equal(t, "message stream 1", s.stage("createStream").Text)
	assert.Equal(t, "NetStream.Play.Start: Started", s.stage("play").Text)
	assert.Equal(t, 62*time.Millisecond, s.stage("play").Took.Std())
	assert.Equal(t, report.Trips{Count: 5, RTT: report.Duration(20 * time.Millisecond), RTMP: 4, Commands: 2, Earliest: 1, Slow: []string{"play"}},
		s.r.Trips, "a play that came 42 ms late")
	assert.Len(t, s.r.Statuses, 2)
}

// TestAPlayerThatPipelines checks that requests sent together count as one round trip.
func TestAPlayerThatPipelines(t *testing.T) {
	s := newSession(t, nil)
	s.opening(20)
	s.command(0, true, "connect", 1, nil)
	s.command(0, true, "createStream", 2, nil)
	s.command(0, true, "play", 3, nil, "name")
	s.command(20, false, "_result", 1, nil)
	s.command(0, false, "_result", 2, nil, 1.0)
	s.command(0, false, "onStatus", 0, nil, started())
	assert.Equal(t, 2, s.r.Trips.RTMP)
	assert.Equal(t, 3, s.r.Trips.Count)
}

func TestMediaWithoutPlayStart(t *testing.T) {
	s := newSession(t, nil)
	s.opening(1)
	s.command(0, true, "play", 3, nil, "name")
	s.video(5, 0x17, 0, 0, 0, 0)
	assert.Contains(t, s.stage("play").Text, "no NetStream.Play.Start")
	assert.Equal(t, 1, s.stage("play").Trips)
}

func TestFailures(t *testing.T) {
	mask := func(text string) string { return strings.ReplaceAll(text, "secret", "***") }
	s := newSession(t, mask)
	s.opening(1)
	s.command(0, true, "connect", 1, nil)
	s.then(5, event.Event{Kind: event.Attempt, Text: "once more, without announcing Enhanced RTMP"})
	s.opening(1)
	s.command(0, true, "connect", 1, nil)
	s.command(1, false, "_error", 1, nil, message.StatusObject("error", message.CodeConnectRejected, "no secret\x1b[2J here"))
	assert.Contains(t, s.names(), "again")
	refused := s.stage("connect")
	assert.Contains(t, refused.Error, message.CodeConnectRejected)
	assert.NotContains(t, refused.Error, "secret")
	assert.NotContains(t, refused.Error, "\x1b")
	assert.Zero(t, refused.Trips)

	s = newSession(t, nil)
	s.opening(1)
	s.command(0, true, "connect", 1, nil)
	s.then(5, event.Event{Kind: event.Ended, Err: io.ErrUnexpectedEOF})
	assert.Contains(t, s.stage("connect").Error, "unexpected EOF")
	assert.ErrorIs(t, s.r.Err, io.ErrUnexpectedEOF)

	s = newSession(t, nil)
	s.then(0, event.Event{Kind: event.Dialling, Text: "192.0.2.1:1935"})
	s.then(3, event.Event{Kind: event.Dialled, Text: "192.0.2.1:1935", Err: errors.New("refused")})
	assert.Equal(t, "refused", s.stage("tcp").Error)
}

func TestProxyAndTunnel(t *testing.T) {
	s := newSession(t, nil)
	s.then(0, event.Event{Kind: event.Resolving, Text: "proxy"})
	s.then(1, event.Event{Kind: event.Resolved, Text: "192.0.2.9"})
	s.then(0, event.Event{Kind: event.Dialling, Text: "192.0.2.9:1080", Proxy: true})
	s.then(2, event.Event{Kind: event.Dialled, Text: "192.0.2.9:1080", Proxy: true})
	s.then(3, event.Event{Kind: event.Asked})
	s.then(4, event.Event{Kind: event.Answered})
	s.then(0, event.Event{Kind: event.HandshakeStart})
	s.then(0, event.Event{Kind: event.Asked})
	s.then(4, event.Event{Kind: event.Answered})
	s.then(0, event.Event{Kind: event.HandshakeDone})
	assert.Equal(t, []string{"name", "tcp", "proxy", "tunnel", "handshake"}, s.names(), "polls must not be stages")
	assert.Equal(t, 3*time.Millisecond, s.stage("proxy").Took.Std())
	assert.Equal(t, 4*time.Millisecond, s.stage("tunnel").Took.Std())
}

func TestControlMessages(t *testing.T) {
	s := newSession(t, nil)
	control := func(sent bool, kind message.Type, body []byte) {
		s.then(0, event.Event{Kind: event.Message, Sent: sent, Packet: &message.Packet{Type: kind, Body: body}})
	}
	n := message.AppendUint32
	control(false, message.TypeWindowAckSize, n(nil, 5000))
	control(false, message.TypeSetPeerBandwidth, message.AppendSetPeerBandwidth(nil, 6000, 2))
	control(false, message.TypeSetChunkSize, n(nil, 4096))
	control(true, message.TypeSetChunkSize, n(nil, 8192))
	control(true, message.TypeAcknowledgement, n(nil, 1))
	control(false, message.TypeAcknowledgement, n(nil, 1))
	control(true, message.TypeWindowAckSize, n(nil, 7000))
	control(false, message.TypeUserControl, message.AppendUserControl(nil, message.EventPingRequest, 1))
	control(false, 77, nil)
	control(false, message.TypeSetChunkSize, nil)
	w := s.r.Wire
	assert.Equal(t, []uint32{5000, 6000, 4096, 8192, 7000}, []uint32{w.TheirWindow, w.Bandwidth, w.TheirChunks, w.OurChunks, w.OurWindow})
	assert.Equal(t, []int{1, 1, 1, 1}, []int{w.AcksSent, w.AcksGot, w.PingsGot, w.Unreadable})
	assert.Equal(t, map[string]int{"type 77": 1}, w.UnknownMessages)
}

// TestAHostileServer checks that the report is bounded and free of control characters, whatever the server sends.
func TestAHostileServer(t *testing.T) {
	s := newSession(t, nil)
	s.opening(1)
	s.command(0, true, "connect", 1, nil)
	object := amf.Object{{Name: "fmsVer", Value: strings.Repeat("\x1b[31m", 10_000)}}
	for i := range 1000 {
		object = append(object, amf.Property{Name: strings.Repeat("\a", i), Value: strings.Repeat("x", 1000)})
	}
	s.command(1, false, "_result", 1, object)
	for range 1000 {
		s.command(0, false, "onStatus", 0, nil, message.StatusObject("error", strings.Repeat("\r\n", 500), "\x00"))
		s.then(0, event.Event{Kind: event.Attempt, Text: "once more"})
	}
	for i := range 256 {
		s.then(0, event.Event{Kind: event.Message, Packet: &message.Packet{Type: message.Type(i), Body: []byte{1, 2, 3}}})
	}
	assert.LessOrEqual(t, len(s.r.Stages), 64)
	assert.LessOrEqual(t, len(s.r.Statuses), 32)
	assert.LessOrEqual(t, len(s.r.Wire.UnknownMessages), 32)
	assert.LessOrEqual(t, len(s.r.Server.Properties), 32)
	for _, text := range append(s.names(), s.r.Server.FMSVer, s.stage("connect").Text, s.r.Statuses[0].Text()) {
		assert.NotContains(t, text, "\x1b")
		assert.NotContains(t, text, "\n")
		assert.Less(t, len(text), 3000)
	}
}

// TestTwoAddresses dials two addresses at the same time. The end of the slower attempt is not a failure.
func TestTwoAddresses(t *testing.T) {
	s := newSession(t, nil)
	s.then(0, event.Event{Kind: event.Dialling, Text: "[2001:db8::1]:1935"})
	s.then(300, event.Event{Kind: event.Dialling, Text: "192.0.2.1:1935"})
	s.then(20, event.Event{Kind: event.Dialled, Text: "192.0.2.1:1935"})
	s.then(1, event.Event{Kind: event.Dialled, Text: "[2001:db8::1]:1935", Err: context.Canceled})
	s.then(0, event.Event{Kind: event.Dialled, Text: "203.0.113.1:1935"})
	require.Len(t, s.r.Stages, 1)
	assert.Equal(t, report.Duration(20*time.Millisecond), s.stage("tcp").Took)
}

func TestARefusalOfAnotherLevel(t *testing.T) {
	s := newSession(t, nil)
	s.command(0, true, "play", 0, nil, "name")
	s.command(1, false, "onStatus", 0, nil, message.StatusObject("status", message.CodePlayStreamNotFound, ""))
	s.then(1, event.Event{Kind: event.Ended})
	assert.NotEmpty(t, s.stage("play").Error)
	assert.Error(t, s.r.Err)
}

// TestAClientThatWaitsForAcknowledgements checks the capture of a client that waits for TCP acknowledgements, as FFmpeg does.
func TestAClientThatWaitsForAcknowledgements(t *testing.T) {
	s := newSession(t, nil)
	s.r.Capture = true
	s.command(0, true, "connect", 1, nil)
	s.command(1, false, "_result", 1, nil)
	s.command(44, true, "createStream", 2, nil)
	s.command(1, false, "_result", 2, nil, 1.0)
	s.command(1, true, "play", 0, nil, "name")
	s.command(2, false, "onStatus", 0, nil, started())
	assert.Equal(t, []string{"createStream"}, s.r.Trips.Late)
	assert.Equal(t, report.Duration(time.Millisecond), s.r.Trips.RTT, "the round trip time is that of the fastest answer")
}
