package bench

import (
	"testing"

	"github.com/q191201771/lal/pkg/base"
	lal "github.com/q191201771/lal/pkg/rtmp"
	"github.com/q191201771/naza/pkg/nazalog"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

// lalPlayer is a lal server that plays the sample to every player, and accepts publishers.
type lalPlayer struct{ media stream }

func (lalPlayer) OnRtmpConnect(*lal.ServerSession, lal.ObjectPairArray) {}
func (lalPlayer) OnDelRtmpPubSession(*lal.ServerSession)                {}
func (lalPlayer) OnDelRtmpSubSession(*lal.ServerSession)                {}
func (lalPlayer) OnReadRtmpAvMsg(base.RtmpMsg)                          {}

func (p lalPlayer) OnNewRtmpPubSession(s *lal.ServerSession) error {
	s.SetPubSessionObserver(p)
	return nil
}

func (p lalPlayer) OnNewRtmpSubSession(s *lal.ServerSession) error {
	for _, packet := range p.media.packets {
		h := base.RtmpHeader{Csid: 6, MsgTypeId: uint8(packet.Type), MsgLen: uint32(len(packet.Body)), MsgStreamId: lal.Msid1, TimestampAbs: packet.Timestamp}
		if err := s.Write(lal.Message2Chunks(packet.Body, &h)); err != nil {
			return err
		}
	}
	return s.Flush()
}

func lalForAll(t *testing.T) pipeliningServer {
	nazalog.Init(func(o *nazalog.Option) { o.Level, o.IsToStdout = nazalog.LevelLogNothing, false })
	addr := "127.0.0.1:" + conntest.UnusedPort(t)
	server := lal.NewServer(addr, lalPlayer{sample(t, 0)})
	require.NoError(t, server.Listen())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		server.RunLoop()
	}()
	t.Cleanup(func() {
		server.Dispose()
		<-ended
	})
	return pipeliningServer{play: "rtmp://" + addr + "/live/sample", publish: "rtmp://" + addr + "/live/published"}
}
