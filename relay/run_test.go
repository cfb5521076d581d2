package relay

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		var got recorder
		deaf := make(chan struct{})
		source, good := n.serve("source", testserver.Config{}), n.serve("good", testserver.Config{OnMessage: got.take})
		slow := n.serve("slow", testserver.Config{OnMessage: func(_ *testserver.Session, m *chunk.Message) {
			if message.Type(m.Type) == message.TypeVideo {
				<-deaf
			}
		}})
		stop := onAir(t, &n, newEncoder(t))
		targets := map[string]*Publisher{}
		var list []*Publisher
		for _, host := range []string{"good", "slow", "dead"} {
			targets[host] = &Publisher{URLs: []string{"rtmp://" + host + "/live/key"}, Options: n.options()}
			list = append(list, targets[host])
		}
		player := &Player{URL: "rtmp://source/live/cam", Options: n.options()}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		require.ErrorIs(t, Run(ctx, player, list...), context.DeadlineExceeded)
		delivered := player.Stats().Delivered
		assert.Greater(t, delivered, uint64(100*(25+43)))
		for _, p := range list {
			s := assertPublisherStats(t, p)
			assert.Equal(t, delivered, s.Written)
		}
		assert.EqualValues(t, delivered, len(got.taken()))
		assert.NotZero(t, targets["slow"].Stats().Sent)
		assert.Zero(t, targets["dead"].Stats().Sent)
		close(deaf)
		stop()
		for _, s := range []*testserver.Server{source, good, slow} {
			s.Close()
		}
	})
}

func TestRunEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		source, target := n.serve("source", testserver.Config{Apps: []string{"live"}}), n.serve("target", testserver.Config{Apps: []string{"live"}})
		defer source.Close()
		defer target.Close()
		defer onAir(t, &n, newEncoder(t))()
		player := func(app string) *Player {
			return &Player{URL: "rtmp://source/" + app + "/cam", Options: n.options(), GiveUp: Denied}
		}
		publisher := func(app string) *Publisher {
			return &Publisher{URLs: []string{"rtmp://target/" + app + "/key"}, Options: n.options(), GiveUp: Denied}
		}
		var refused *rtmp.StatusError
		require.ErrorAs(t, Run(t.Context(), player("other"), publisher("live")), &refused, "the source has given up")
		require.ErrorAs(t, Run(t.Context(), player("live"), publisher("other"), publisher("another")), &refused, "all targets have given up")
		silent := &Player{URL: "rtmp://nobody/live/cam", Options: n.options()}
		require.ErrorAs(t, Run(t.Context(), silent, publisher("other"), publisher("another")), &refused, "all targets have given up, and the source sends nothing")
	})
}
