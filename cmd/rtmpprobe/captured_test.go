package main

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/capture"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func captureOf(t *testing.T, args ...string) (path string, live reported) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "session.rtmpcap")
	live, _ = probed(t, append([]string{"--try", "never", "--capture", path}, args...)...)
	return path, live
}

// TestACapture checks that the report about a capture is the same as the report about the live session.
func TestACapture(t *testing.T) {
	t.Parallel()
	srv := rtmptest.Server(t, testserver.Config{ChunkSize: 128, Shape: testserver.Shape{OmitExtendedType3: true, TimestampOffset: 1 << 25, Aggregate: 5}})
	path, live := captureOf(t, srv.URL("vod", "sample"))
	r, got := probed(t, path)
	assert.Equal(t, live.ids(), r.ids(), "%v", r.Findings)
	assert.Contains(t, r.ids(), "tolerated")
	assert.Equal(t, live.Media, r.Media)
	assert.Equal(t, live.Server, r.Server)
	assert.Equal(t, 1, got.code)
	assert.Contains(t, r.URL, path+": rtmp with 127.0.0.1:")
	var names []string
	for _, s := range r.Stages {
		names = append(names, s.Name)
	}
	assert.Equal(t, []string{"handshake", "connect", "createStream", "play", "first packet", "first key frame"}, names)

	file := filepath.Join(t.TempDir(), "media.flv")
	dumped := command(t, "--dump", "--flv", file, path)
	for _, part := range []string{"> Command (AMF0)", "connect 1 {app: vod", "< User Control", "play", "H.264 KEY FRAME", "AAC frame", "= ended", "\nFindings\n",
		"onStatus 0 null {level: status"} {
		assert.True(t, strings.Contains(dumped.stdout, part), part)
	}
	media, err := os.ReadFile(file)
	require.NoError(t, err)
	want := rtmptest.SampleTags(t)
	tags := rtmptest.Tags(t, media)
	var frames []flv.Tag
	for _, tag := range tags {
		if tag.Type != flv.TagScript {
			tag.Timestamp -= 1 << 25
			frames = append(frames, tag)
		}
	}
	rtmptest.EqualTags(t, want[1:], frames)
}

func TestCapturesOfFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script func(*peertest.Peer)
		want   string
		args   []string
	}{
		"refused": {func(p *peertest.Peer) {
			p.Call(0, "_error", p.Expect("connect").TransactionID, nil, message.StatusObject("error", message.CodeConnectRejected, "no such app"))
			p.UntilGone()
		}, "connect-refused", nil},
		"no stream": {func(p *peertest.Peer) {
			p.AcceptConnect()
			p.AcceptStream(1)
			p.Expect("play")
			p.Status(message.CodePlayStreamNotFound)
			p.UntilGone()
		}, "stream-not-found", nil},
		"no answer":     {(*peertest.Peer).UntilGone, "connect-silent", []string{"--timeout", "1s"}},
		"hung up":       {func(p *peertest.Peer) { p.Expect("connect") }, "connect-hangup", nil},
		"lost":          {func(p *peertest.Peer) { p.AcceptPlayer() }, "lost", nil},
		"no publishers": {func(p *peertest.Peer) { p.AcceptPlayer(); p.UntilGone() }, "no-media", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _ := peertest.Listen(t, test.script)
			path, live := captureOf(t, append(test.args, "--no-enhanced", "--for", "100ms", url)...)
			assert.Contains(t, live.ids(), test.want)
			r, got := probed(t, path)
			assert.Contains(t, r.ids(), test.want, got.stdout)
			assert.Equal(t, 2, got.code)
		})
	}
}

// TestACaptureWithoutAConnection checks that a session without a connection is not reported as a lost connection.
func TestACaptureWithoutAConnection(t *testing.T) {
	t.Parallel()
	path, _ := captureOf(t, "rtmp://127.0.0.1:"+conntest.UnusedPort(t)+"/live/x")
	r, _ := probed(t, path)
	assert.Equal(t, []string{"failed"}, r.ids())
	assert.Contains(t, r.Findings[0].Text, "refused")
}

// TestSeveralSessions checks a capture with two sessions, of a server that does not answer a client with Enhanced RTMP.
func TestSeveralSessions(t *testing.T) {
	t.Parallel()
	url, _ := peertest.Listen(t, func(p *peertest.Peer) { p.Expect("connect") }, func(p *peertest.Peer) {
		p.AcceptPlayer()
		p.Media(message.TypeVideo, 0, []byte{0x17, 0, 0, 0, 0})
		p.Status(message.CodePlayStop)
		p.UntilGone()
	})
	path, _ := captureOf(t, url)
	got := command(t, path)
	assert.Contains(t, got.stdout, "session 1 of 2")
	assert.Contains(t, got.stdout, "session 2 of 2")
	got = command(t, path+"#2")
	assert.NotContains(t, got.stdout, "session 1 of 2")
	assert.Contains(t, command(t, "--dump", path+"#1").stdout, "connect 1")
	for _, args := range [][]string{{path + "#3"}, {path + "#x"}, {"--dump", path}, {"--flv", "x", path}, {"--publish", path}, {"--pcap", "x", url}, {"--dump", path, path}} {
		got := command(t, args...)
		assert.Equal(t, 3, got.code, "%v", args)
		assert.NotEmpty(t, got.stderr)
	}
}

func TestFilesThatAreNoCaptures(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"nothing": "", "text": strings.Repeat("this is text\n", 1000)} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		got := command(t, path)
		assert.Equal(t, 3, got.code)
		assert.Contains(t, got.stderr, path+": not a capture")
	}
	got := command(t, "example.com/live/camera")
	assert.Equal(t, 3, got.code)
	assert.Contains(t, got.stderr, "a URL begins with rtmp://")
}

// TestACaptureThatIsCutOff checks the report about the readable part of a truncated file.
func TestACaptureThatIsCutOff(t *testing.T) {
	t.Parallel()
	srv := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"sample": rtmptest.File(rtmptest.RepeatedSample(t, 10)...)}})
	path, _ := captureOf(t, srv.URL("vod", "sample"))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, b[:len(b)*2/3], 0o600))
	r, got := probed(t, path)
	assert.Equal(t, "H.264", r.Media.Video.Codec)
	assert.Contains(t, got.stdout, "has no end")
	assert.Equal(t, "warning", r.grade("incomplete"))
	assert.Equal(t, 1, got.code)

	damaged := slices.Clone(b)
	for i := 100; i < len(damaged); i += 1000 {
		damaged[i] ^= 1
	}
	require.NoError(t, os.WriteFile(path, damaged, 0o600))
	r, _ = probed(t, path)
	assert.Empty(t, r.grade("well"), "nothing could be read")
}

func TestOutputsThatAreTheInput(t *testing.T) {
	t.Parallel()
	path, _ := captureOf(t, rtmptest.Server(t, testserver.Config{}).URL("vod", "sample"))
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	link := filepath.Join(t.TempDir(), "link.svg")
	require.NoError(t, os.Symlink(path, link))
	for _, option := range []string{"--flv", "--pcap", "--plot"} {
		got := command(t, option, link, path)
		assert.Equal(t, 3, got.code)
		assert.Contains(t, got.stderr, link)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, before, after)
	}
}

func TestAFullDisk(t *testing.T) {
	t.Parallel()
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip("this system has no", full)
	}
	url := rtmptest.Server(t, testserver.Config{}).URL("vod", "sample")
	path, _ := captureOf(t, url)
	for _, args := range [][]string{{"--capture", full, url}, {"--flv", full, url}, {"--flv", full, path}, {"--pcap", full, path}} {
		got := command(t, args...)
		assert.Equal(t, 3, got.code, args)
		assert.Contains(t, got.stderr, full)
		assert.Contains(t, got.stdout, "\nFindings\n")
	}
}

// TestACaptureWithEscapeSequences checks that escape sequences in a capture, which may come from a stranger, are not printed.
func TestACaptureWithEscapeSequences(t *testing.T) {
	t.Parallel()
	const says = "\x1b[2J\r\nerror forged"
	path := filepath.Join(t.TempDir(), says)
	file, err := os.Create(path)
	require.NoError(t, err)
	r := capture.NewRecorder(file, capture.Info{Role: says, Transport: says, Server: says, Client: says})
	r.Missing(capture.FromClient, says)
	require.NoError(t, r.Close(capture.FromServer, says))
	require.NoError(t, file.Close())
	for _, got := range []result{command(t, path), command(t, "--dump", path), command(t, path+"#7")} {
		assert.NotContains(t, got.stdout+got.stderr, "\x1b")
		assert.NotContains(t, got.stdout+got.stderr, "\r")
	}
}

func TestAnInterruptWhileACaptureIsRead(t *testing.T) {
	t.Parallel()
	path, _ := captureOf(t, rtmptest.Server(t, testserver.Config{}).URL("vod", "sample"))
	ctx, interrupt := context.WithCancel(conntest.Context(t))
	interrupt()
	got := commandUntil(ctx, path)
	assert.Contains(t, got.stdout, "interrupted")
	assert.Equal(t, 1, got.code)
}

// TestADumpHoldsNoSecrets checks that the dump of a live session contains neither the stream's name nor other secrets.
func TestADumpHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	srv := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"s3cret": testserver.Sample}})
	got := command(t, "--dump", "--try", "never", srv.URL("vod", "s3cret?t0ken=v4lue"))
	assert.Contains(t, got.stdout, `play 3 null "***"`)
	for _, secret := range []string{"s3cret", "t0ken", "v4lue"} {
		assert.NotContains(t, got.stdout, secret)
	}
}

func TestPackets(t *testing.T) {
	t.Parallel()
	srv := rtmptest.Server(t, testserver.Config{})
	path, live := captureOf(t, srv.URL("vod", "sample"))
	packets := filepath.Join(t.TempDir(), "session.pcap")
	require.Equal(t, 0, command(t, "--pcap", packets, path).code)
	r, got := probed(t, packets)
	assert.Equal(t, live.ids(), r.ids())
	assert.Equal(t, live.Media, r.Media)
	assert.Equal(t, live.Server, r.Server)
	assert.Contains(t, got.stdout, "recorded by the observer")
}

// TestPacketsThatBeginTooLate checks that the reason is reported if packets contain no session.
func TestPacketsThatBeginTooLate(t *testing.T) {
	t.Parallel()
	path, _ := captureOf(t, rtmptest.Server(t, testserver.Config{}).URL("vod", "sample"))
	packets := filepath.Join(t.TempDir(), "session.pcap")
	require.Equal(t, 0, command(t, "--pcap", packets, path).code)
	b, err := os.ReadFile(packets)
	require.NoError(t, err)
	const header, recordHeader = 24, 16
	for range 3 { // skip the packets of the TCP handshake
		size := int(binary.LittleEndian.Uint32(b[header+8:]))
		b = slices.Delete(b, header, header+recordHeader+size)
	}
	require.NoError(t, os.WriteFile(packets, b, 0o600))
	got := command(t, packets)
	assert.Equal(t, 3, got.code)
	assert.Contains(t, got.stderr, "capture: no session")
	assert.Contains(t, got.stderr, "the connection began before the packets")
}

// TestPacketsOfOtherPrograms checks sessions of other programs that tcpdump has captured.
func TestPacketsOfOtherPrograms(t *testing.T) {
	t.Parallel()
	recordings, err := filepath.Glob("../../capture/pcap/testdata/*.pcap")
	require.NoError(t, err)
	require.NotEmpty(t, recordings)
	for _, path := range recordings {
		r, got := probed(t, path)
		assert.Equal(t, "handshake", r.Stages[0].Name, path)
		if strings.Contains(path, "lost") {
			assert.Contains(t, got.stdout, "packets are missing")
			continue
		}
		assert.Equal(t, 0, got.code, "%s: %v", path, r.Findings)
		require.NotNil(t, r.Media.Video, path)
		assert.Equal(t, "H.264", r.Media.Video.Codec)
		assert.Equal(t, strings.Contains(path, "ffmpeg"), r.grade("slow-requests") == "note", "it waits for acknowledgements")
	}
}
