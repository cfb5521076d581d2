// Command peer-lal drives github.com/q191201771/lal (pkg/rtmp).
package main

import (
	"io"

	"github.com/q191201771/lal/pkg/base"
	"github.com/q191201771/lal/pkg/rtmp"
	"github.com/q191201771/naza/pkg/nazalog"

	"github.com/go-librtmp/rtmp/bench/media"
	"github.com/go-librtmp/rtmp/bench/peer"
)

func init() {
	nazalog.Init(func(o *nazalog.Option) {
		o.Level = nazalog.LevelLogNothing
		o.IsToStdout = false
	})
}

func ended(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// readBuf 0 is the library's default for a pull session: no buffer at all.
func pull(readBuf int) func(string, *media.Got) error {
	return func(url string, got *media.Got) error {
		s := rtmp.NewPullSession(func(o *rtmp.PullSessionOption) { o.ReadBufSize = readBuf }).
			WithOnReadRtmpAvMsg(func(msg base.RtmpMsg) {
				switch msg.Header.MsgTypeId {
				case base.RtmpTypeIdVideo:
					got.Video++
					got.Payload += int64(len(msg.Payload))
				case base.RtmpTypeIdAudio:
					got.Audio++
					got.Payload += int64(len(msg.Payload))
				}
			})
		if err := s.Pull(url); err != nil {
			return err
		}
		return ended(<-s.WaitChan())
	}
}

func push(url string, run *media.Run, plan media.Plan) error {
	s := rtmp.NewPushSession()
	if err := s.Push(url); err != nil {
		return err
	}
	err := run.Each(plan, func(m *media.Msg, ts uint32) error {
		h := base.RtmpHeader{Csid: 4, MsgLen: uint32(len(m.Body)), MsgTypeId: m.TypeID(), MsgStreamId: 1, TimestampAbs: ts}
		if m.Video {
			h.Csid = 6
		}
		return s.WriteMsg(base.RtmpMsg{Header: h, Payload: m.Body})
	})
	if err != nil {
		return err
	}
	if err := s.Flush(); err != nil {
		return err
	}
	return s.Dispose()
}

func conn(url string) error {
	s := rtmp.NewPullSession()
	if err := s.Pull(url); err != nil {
		return err
	}
	return s.Dispose()
}

func main() {
	peer.Main(peer.Peer{
		Pull: map[string]func(string, *media.Got) error{"": pull(0), "buf64k": pull(64 << 10)},
		Push: map[string]func(string, *media.Run, media.Plan) error{"": push},
		Conn: conn,
	})
}
