package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/auth"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server/servertest"
)

func TestAClosedPort(t *testing.T) {
	t.Parallel()
	r, got := probed(t, "--try", "never", "rtmp://127.0.0.1:"+conntest.UnusedPort(t)+"/live/x")
	assert.Equal(t, []string{"port-closed"}, r.ids())
	assert.Equal(t, 2, got.code)
}

func TestAnHTTPServer(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	addr := web.Listener.Addr().String()
	r, _ := probed(t, "--try", "never", "rtmp://"+addr+"/live/x")
	assert.Equal(t, []string{"not-rtmp"}, r.ids())
	assert.Contains(t, r.Findings[0].Text, "HTTP")
	r, _ = probed(t, "--try", "never", "rtmpt://"+addr+"/live/x")
	assert.Equal(t, []string{"tunnel"}, r.ids())
	r, _ = probed(t, "--try", "never", "rtmps://"+addr+"/live/x")
	assert.Equal(t, []string{"not-tls"}, r.ids())
}

func TestASelfSignedCertificate(t *testing.T) {
	t.Parallel()
	srv := rtmptest.Server(t, testserver.Config{Scheme: "rtmps"})
	r, got := probed(t, srv.URL("vod", "sample"))
	assert.Equal(t, []string{"certificate-self-signed"}, r.ids())
	assert.Equal(t, 2, got.code)
	assert.Empty(t, r.Trials, "no trial sends the stream's name to an unverified server")
	assert.Contains(t, got.stdout, `"self_signed": true`)
	assert.Contains(t, got.stdout, `"localhost"`)

	r, _ = probed(t, "--insecure", srv.URL("vod", "sample"))
	assert.Empty(t, r.grade("certificate-self-signed"))
	assert.Equal(t, "H.264", r.Media.Video.Codec)
}

func TestSilence(t *testing.T) {
	t.Parallel()
	silent := conntest.Serve(t, func(nc net.Conn) { io.Copy(io.Discard, nc) })
	r, _ := probed(t, "--timeout", "1s", "--try", "never", "rtmp://"+silent+"/live/x")
	assert.Equal(t, []string{"handshake-silent"}, r.ids())
	closes := conntest.Serve(t, func(nc net.Conn) { io.ReadFull(nc, make([]byte, 1537)) })
	r, _ = probed(t, "--try", "never", "rtmp://"+closes+"/live/x")
	assert.Equal(t, []string{"handshake-hangup"}, r.ids())
}

// TestAnInterrupt checks that an interrupted probe makes no claims about a server that has not answered yet.
func TestAnInterrupt(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"rtmp", "rtmps", "rtmpt"} {
		ctx, interrupt := context.WithCancel(conntest.Context(t))
		silent := conntest.Serve(t, func(nc net.Conn) {
			nc.Read(make([]byte, 1))
			interrupt()
			io.Copy(io.Discard, nc)
		})
		got := commandUntil(ctx, "--json", "--try", "always", scheme+"://"+silent+"/live/x")
		r := only(t, got)
		assert.Equal(t, []string{"interrupted"}, r.ids(), scheme)
		assert.Empty(t, r.Trials)
		assert.Equal(t, 2, got.code)
	}
}

// TestUsers checks that an unknown user and a wrong password are tried only once.
func TestUsers(t *testing.T) {
	t.Parallel()
	for _, scheme := range []auth.Scheme{auth.Adobe, auth.Limelight} {
		srv := rtmptest.Server(t, testserver.Config{Auth: &auth.Server{Scheme: scheme, Users: map[string]string{"us3r": "right"}}})
		for user, want := range map[string]string{"": "wants-user", "us3r:wr0ng@": "user-refused", "n0body:right@": "user-refused", "us3r:right@": ""} {
			r, got := probed(t, "--publish", "--for", "100ms", strings.Replace(srv.URL("live", "k3y"), "://", "://"+user, 1))
			assert.Equal(t, want != "", r.grade(want) == "error", "%s: %v", user, r.Findings)
			assert.Empty(t, r.Trials)
			for _, secret := range []string{"us3r", "n0body", "wr0ng", "right", "k3y"} {
				assert.NotContains(t, got.stdout, secret)
			}
		}
	}
}

// TestOptionsInAdvice checks that advice names options that rtmpprobe has, and that it works.
func TestOptionsInAdvice(t *testing.T) {
	t.Parallel()
	srv := rtmptest.Server(t, testserver.Config{Token: "hush"})
	r, _ := probed(t, "--try", "never", srv.URL("vod", "sample"))
	assert.Contains(t, r.Findings[0].Text, "append token=KEY to the argument")
	r, _ = probed(t, "--try", "never", srv.URL("vod", "sample")+" token=hush")
	assert.NotNil(t, r.Media.Video)
}

func TestScriptedServers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		scripts []func(*peertest.Peer)
		args    []string
		want    string
	}{
		"hangs up at connect": {[]func(*peertest.Peer){func(p *peertest.Peer) { p.Expect("connect") }, func(p *peertest.Peer) { p.Expect("connect") }},
			nil, "connect-hangup"},
		"says nothing to connect": {[]func(*peertest.Peer){(*peertest.Peer).UntilGone, (*peertest.Peer).UntilGone}, []string{"--timeout", "3s"}, "connect-silent"},
		"refuses connect": {[]func(*peertest.Peer){func(p *peertest.Peer) {
			p.Call(0, "_error", p.Expect("connect").TransactionID, nil, message.StatusObject("error", message.CodeConnectRejected, "no such app"))
			p.UntilGone()
		}}, nil, "connect-refused"},
		"does not know the stream": {[]func(*peertest.Peer){func(p *peertest.Peer) {
			p.AcceptConnect()
			p.AcceptStream(1)
			p.Expect("play")
			p.Status(message.CodePlayStreamNotFound)
			p.UntilGone()
		}}, nil, "stream-not-found"},
		"is silent to play": {[]func(*peertest.Peer){func(p *peertest.Peer) {
			p.AcceptConnect()
			p.AcceptStream(1)
			p.UntilGone()
		}}, []string{"--timeout", "3s"}, "stream-silent"},
		"has no publisher": {[]func(*peertest.Peer){func(p *peertest.Peer) {
			p.AcceptPlayer()
			p.UntilGone()
		}}, []string{"--for", "100ms"}, "no-media"},
		"breaks off": {[]func(*peertest.Peer){func(p *peertest.Peer) {
			p.AcceptPlayer()
			p.Media(message.TypeVideo, 0, []byte{0x17, 1, 0, 0, 0, 1})
		}}, nil, "lost"},
		"breaks the protocol": {[]func(*peertest.Peer){func(p *peertest.Peer) {
			p.AcceptPlayer()
			p.Conn.Write([]byte{2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0}) // a chunk size of 0
			p.UntilGone()
		}}, nil, "broken"},
		"does not answer Enhanced RTMP": {[]func(*peertest.Peer){func(p *peertest.Peer) { p.Expect("connect") }, func(p *peertest.Peer) {
			p.AcceptPlayer()
			p.Media(message.TypeVideo, 0, []byte{0x17, 0, 0, 0, 0})
			p.Status(message.CodePlayStop)
			p.UntilGone()
		}}, nil, "enhanced-breaks"},
		"hangs up at publish": {[]func(*peertest.Peer){func(p *peertest.Peer) {
			p.AcceptConnect()
			p.AcceptStream(1)
			p.Expect("publish")
		}}, []string{"--publish"}, "stream-hangup"},
		"refuses the publisher": {[]func(*peertest.Peer){func(p *peertest.Peer) {
			p.AcceptConnect()
			p.AcceptStream(1)
			p.Expect("publish")
			p.Status(message.CodePublishBadName)
			p.UntilGone()
		}}, []string{"--publish"}, "publish-refused"},
		"wants a user": {[]func(*peertest.Peer){func(p *peertest.Peer) {
			p.Call(0, "_error", p.Expect("connect").TransactionID, nil, message.StatusObject("error", message.CodeConnectRejected,
				"[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : "))
			p.UntilGone()
		}}, []string{"--publish"}, "wants-user"},
		"sends pictures without a configuration": {[]func(*peertest.Peer){func(p *peertest.Peer) {
			p.AcceptPlayer()
			for i := range uint32(10) {
				p.Media(message.TypeVideo, i*40, []byte{0x17, 1, 0, 0, 0, 1})
				p.Media(message.TypeAudio, i*40, []byte{0xaf, 1, 0, 0, 0, 1})
			}
			p.Status(message.CodePlayStop)
			p.UntilGone()
		}}, nil, "video-header-missing"},
		"sends strange messages": {[]func(*peertest.Peer){func(p *peertest.Peer) {
			p.AcceptPlayer()
			p.Media(99, 0, []byte{1})
			p.Control(message.TypeWindowAckSize, message.AppendUint32(nil, 1000))
			p.Media(message.TypeVideo, 0, []byte{0x17, 0, 0, 0, 0})
			p.Status(message.CodePlayStop)
			p.UntilGone()
		}}, nil, "unknown-messages"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _ := peertest.Listen(t, test.scripts...)
			r, got := probed(t, append([]string{"--try", "never", url}, test.args...)...)
			assert.Contains(t, r.ids(), test.want, got.stdout)
			assert.NotContains(t, got.stdout, "/play", "the stream's name")
		})
	}
}

// recording starts a server with one recording, the sample modified by change.
func recording(t *testing.T, change func([]flv.Tag) []flv.Tag) (url string) {
	srv := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"sample": rtmptest.File(change(rtmptest.SampleTags(t))...)}})
	return srv.URL("vod", "sample")
}

func TestMediaFindings(t *testing.T) {
	t.Parallel()
	isKey := func(tag flv.Tag) bool {
		kind, _ := flv.KindOf(tag)
		return kind == flv.KindKeyFrame
	}
	without := func(leave func(flv.Tag) bool) func([]flv.Tag) []flv.Tag {
		return func(tags []flv.Tag) (kept []flv.Tag) {
			for _, tag := range tags {
				if !leave(tag) {
					kept = append(kept, tag)
				}
			}
			return kept
		}
	}
	shifted := func(by uint32) func([]flv.Tag) []flv.Tag {
		return func(tags []flv.Tag) []flv.Tag {
			for i := range tags {
				if tags[i].Timestamp >= 5000 {
					tags[i].Timestamp += by
				}
			}
			return tags
		}
	}
	for name, test := range map[string]struct {
		change      func([]flv.Tag) []flv.Tag
		want, grade string
	}{
		"as it is: B-frames":    {without(func(flv.Tag) bool { return false }), "b-frames", "note"},
		"rare key frames":       {without(func(tag flv.Tag) bool { return isKey(tag) && tag.Timestamp > 0 && tag.Timestamp < 9000 }), "key-frames-rare", "warning"},
		"a time jump":           {shifted(3600_000), "time-jumps", "warning"},
		"time that runs back":   {shifted(^uint32(2000)), "time-runs-back", "warning"},
		"no audio header":       {without(func(tag flv.Tag) bool { return tag.Type == flv.TagAudio && flv.IsHeader(tag) }), "audio-header-missing", "error"},
		"no video header":       {without(func(tag flv.Tag) bool { return tag.Type == flv.TagVideo && flv.IsHeader(tag) }), "video-header-missing", "error"},
		"sound ahead":           {func(tags []flv.Tag) []flv.Tag { return ahead(tags, 800) }, "apart", "warning"},
		"a repeated time":       {func(tags []flv.Tag) []flv.Tag { return slices.Insert(tags, 100, tags[100]) }, "time-repeats", "note"},
		"headers in the middle": {func(tags []flv.Tag) []flv.Tag { return append(tags[20:60:60], tags...) }, "header-late", "warning"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, got := probed(t, "--try", "never", recording(t, test.change))
			assert.Equal(t, test.grade, r.grade(test.want), "%v", r.Findings)
			assert.Equal(t, map[string]int{"ok": 0, "note": 0, "warning": 1, "error": 2}[r.Findings[0].Grade], got.code)
		})
	}
}

func ahead(tags []flv.Tag, ms uint32) []flv.Tag {
	for i := range tags {
		if tags[i].Type == flv.TagAudio && !flv.IsHeader(tags[i]) {
			tags[i].Timestamp += ms
		}
	}
	return tags
}

func TestWhatIsTolerated(t *testing.T) {
	t.Parallel()
	srv := rtmptest.Server(t, testserver.Config{ChunkSize: 128,
		Shape: testserver.Shape{OmitExtendedType3: true, TimestampOffset: 1 << 25, UnknownTypes: true}})
	r, _ := probed(t, srv.URL("vod", "sample"))
	assert.Equal(t, "warning", r.grade("tolerated"))
	assert.Equal(t, "note", r.grade("unknown-messages"))
	assert.Equal(t, "note", r.grade("small-chunks"))
}

// TestPublishingToOurServer publishes with --publish to package server. Players must receive one stream without jumps, although the sample
// is repeated.
func TestPublishingToOurServer(t *testing.T) {
	t.Parallel()
	srv := servertest.New(t, nil)
	const name = "live/s3cretkey"
	var played reported
	var got result
	published := publishing(t, srv.URL(name), func() {
		if assert.NoError(t, srv.Await(conntest.Context(t), name, 20)) {
			played, got = probed(t, "--for", "500ms", srv.URL(name))
		}
		assert.NoError(t, srv.Await(conntest.Context(t), name, 160), "more than one sample must have been published")
	})
	assert.Empty(t, published.ids())
	require.NotNil(t, played.Media.Video)
	require.NotNil(t, played.Media.Audio)
	assert.Equal(t, "H.264", played.Media.Video.Codec)
	assert.Equal(t, "AAC", played.Media.Audio.Codec)
	assert.False(t, played.Media.Video.BFrames)
	for _, text := range []string{got.stdout, strings.Join(published.Commands[0].Lines, " "), strings.Join(published.Commands[1].Lines, " ")} {
		assert.NotContains(t, text, "s3cretkey")
	}
	assert.Equal(t, "OBS", published.Commands[1].Program)
	seamless(t, srv.Published(name))

	r, _ := probed(t, "--try", "never", "--for", "100ms", srv.URL("live/nobody"))
	assert.Contains(t, []string{"no-media", "stream-not-found"}, r.Findings[0].ID)
}

// seamless fails the test unless the steps between the frames of a track are all equally long.
func seamless(t *testing.T, tags []flv.Tag) {
	last := map[flv.TagType]uint32{}
	for _, tag := range tags {
		if flv.IsHeader(tag) {
			continue
		}
		if before, ok := last[tag.Type]; ok {
			assert.InDelta(t, map[flv.TagType]int{flv.TagVideo: 40, flv.TagAudio: 21}[tag.Type], int(tag.Timestamp-before), 1.5)
		}
		last[tag.Type] = tag.Timestamp
	}
	assert.Greater(t, last[flv.TagVideo], uint32(2000), "the sample must have been repeated")
}

func TestNginx(t *testing.T) {
	t.Parallel()
	addr := programtest.Nginx(t, t.TempDir())
	url := "rtmp://" + addr + "/live/camera"
	r, _ := probed(t, "--try", "never", "--for", "300ms", url)
	assert.Equal(t, "no-media", r.Findings[0].ID)
	assert.Contains(t, r.Server.Software, "nginx")
	published := publishing(t, url, func() {
		assert.Eventually(t, func() bool {
			played, _ := probed(t, "--try", "never", "--for", "1500ms", url)
			return played.Media.Video != nil && played.Media.Audio != nil && len(played.ids()) == 0
		}, time.Minute, time.Millisecond)
	})
	assert.Empty(t, published.ids())
}

// TestFFmpegListens probes ffmpeg as a server, which serves one client.
func TestFFmpegListens(t *testing.T) {
	t.Parallel()
	programtest.Need(t, "ffmpeg")
	file := t.TempDir() + "/sample.flv"
	require.NoError(t, os.WriteFile(file, testserver.Sample, 0o600))
	port := conntest.UnusedPort(t)
	url := "rtmp://127.0.0.1:" + port + "/live/x"
	programtest.Start(t, "ffmpeg", "-loglevel", "error", "-re", "-i", file, "-c", "copy", "-f", "flv", "-listen", "1", url)
	var r reported
	require.Eventually(t, func() bool { // ffmpeg would serve a connection that only checks whether it listens
		r, _ = probed(t, "--try", "never", "--for", "3s", url)
		return r.Findings[0].ID != "port-closed"
	}, time.Minute, 20*time.Millisecond)
	require.NotNil(t, r.Media.Video, "%v", r)
	assert.Equal(t, "note", r.grade("b-frames"))
	assert.Contains(t, r.Server.Software, "ffmpeg")
}
