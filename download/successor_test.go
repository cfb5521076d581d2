package download

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/reconnect"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// TestReconnectRequestOfALiveStream checks that the download of a live stream reads its connection until the stream plays on the server that
// the request names, so that nothing is missing: neither what arrives before the other server can be reached, nor before it has the stream.
func TestReconnectRequestOfALiveStream(t *testing.T) { moveLive(t, once) }

// TestSecondReconnectRequestOfALiveStream checks the same if the next server asks to reconnect, too, before it has the stream, or if the first
// server asks again.
func TestSecondReconnectRequestOfALiveStream(t *testing.T) {
	t.Run("of the next server", func(t *testing.T) { moveLive(t, byTheNext) })
	t.Run("of the first server", func(t *testing.T) { moveLive(t, byTheFirst) })
}

// These say how many requests to reconnect moveLive sends, and which server sends the second.
const (
	once = iota
	byTheNext
	byTheFirst
)

func moveLive(t *testing.T, requests int) {
	ctx := conntest.Context(t)
	players := make(chan *testserver.Session, 10)
	config := func() testserver.Config {
		return testserver.Config{OnConnect: func(s *testserver.Session) { players <- s }}
	}
	open := func(s *testserver.Server) (publish func([]flv.Tag), end func()) {
		conn, err := rtmp.Dial(ctx, s.URL("live", "camera"), &rtmp.Options{Publish: true})
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		stream, err := conn.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
		require.NoError(t, err)
		<-players // the publisher
		return func(list []flv.Tag) {
			for _, tag := range list {
				require.NoError(t, stream.WritePacket(&rtmp.Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: tag.Body}))
			}
		}, func() { require.NoError(t, stream.Close()) }
	}
	here, there := rtmptest.Server(t, config()), rtmptest.Server(t, config())
	all := sample(t)
	publish, _ := open(here)
	publish(all[:headers+1])

	path := filepath.Join(t.TempDir(), "out.flv")
	var result Result
	done := make(chan error, 1)
	go func() {
		var err error
		result, err = File(ctx, here.URL("live", "camera"), path, &Options{Recover: impatient(),
			RTMP: &rtmp.Options{Live: true, FollowReconnect: rtmp.FollowAny}})
		done <- err
	}()
	written := func(until uint32) {
		t.Helper()
		require.Eventually(t, func() bool {
			b, err := os.ReadFile(path)
			if err != nil {
				return false
			}
			at, tags, tag := uint32(0), flv.NewReader(bytes.NewReader(b)), flv.Tag{}
			for tags.Next(&tag) == nil {
				at = tag.Timestamp
			}
			return at >= until
		}, 20*time.Second, 10*time.Millisecond)
	}
	player := <-players
	require.Eventually(t, func() bool { // otherwise the player might begin at a later key frame
		info, err := os.Stat(path)
		return err == nil && info.Size() > int64(len(all[headers].Body))
	}, 20*time.Second, 10*time.Millisecond)
	publish(all[headers+1 : 200])
	written(1)
	move := func(to *testserver.Server) {
		require.NoError(t, player.Send(*reconnectTo(t, "rtmp://"+to.Addr()+"/live")))
		select {
		case player = <-players: // the next connection, for which there is no media yet
		case <-time.After(20 * time.Second):
			t.Fatal("no connection")
		}
	}
	if first := player; requests != once {
		move(rtmptest.Server(t, config()))
		if requests == byTheFirst {
			player = first
		}
	}
	move(there)
	publish(all[200:300])
	written(all[290].Timestamp)
	again, end := open(there)
	again(all[:headers])
	key := seek(all, ms(all[299].Timestamp), 1)
	for i := range all[300:key] {
		tag := all[300+i : 301+i]
		publish(tag)
		written(tag[0].Timestamp)
		if tag[0].Type == flv.TagAudio { // there are no pictures before the next key frame
			again(tag)
		}
	}
	again(all[key:])
	end()
	require.NoError(t, <-done)
	assert.Equal(t, 2, result.Sessions)
	require.Len(t, result.Splices, 1)
	assert.Zero(t, result.Splices[0].Gap)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	wantAudio, wantVideo := byTrack(all)
	gotAudio, gotVideo := tracks(t, got)
	assert.Equal(t, wantAudio, gotAudio)
	assert.Equal(t, wantVideo, gotVideo)
}

// TestRepeatedReconnectRequest checks that a request that the old server repeats does not lead back to a server that has led the download on.
func TestRepeatedReconnectRequest(t *testing.T) {
	d, _ := newLive(t)
	to := func(host string) *reconnect.Moved {
		return &reconnect.Moved{URL: "rtmp://" + host + "/live/cam", Options: new(rtmp.Options)}
	}
	n := d.successor(to("second"))
	second := n.target()
	assert.False(t, n.redirect(nil, to("second")))
	assert.True(t, n.redirect(second, to("third")))
	assert.False(t, n.redirect(nil, to("second")))
	assert.Equal(t, "rtmp://third/live/cam", n.target().url)
	assert.False(t, n.redirect(nil, to("third")), "it already leads there")
	assert.True(t, n.redirect(nil, to("fourth")))
	assert.False(t, n.redirect(second, to("third")))
	assert.Equal(t, "rtmp://fourth/live/cam", n.target().url)
}

// TestCancelWhileMoving checks the error of a download that is canceled when the server has asked to reconnect.
func TestCancelWhileMoving(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d, _ := newLive(t)
	d.open = func(context.Context, time.Duration) (player, error) {
		cancel()
		return &fakePlayer{err: &reconnect.Moved{URL: "rtmp://h/b", Options: new(rtmp.Options)}}, nil
	}
	_, err := d.run(ctx)
	assert.ErrorIs(t, err, context.Canceled)
}
