// Command peer-joy4 drives github.com/nareix/joy4 (format/rtmp).
package main

import (
	"io"
	"net"
	"time"

	"github.com/nareix/joy4/av"
	"github.com/nareix/joy4/codec/aacparser"
	"github.com/nareix/joy4/codec/h264parser"
	"github.com/nareix/joy4/format/rtmp"

	"github.com/go-librtmp/rtmp/bench/media"
	"github.com/go-librtmp/rtmp/bench/peer"
)

// pull reads packets. joy4 returns them without the FLV sub-headers (5 bytes for video, 2 for audio), and does not return sequence
// headers as packets. pull adds the sizes of both to the count.
func pull(url string, got *media.Got) error {
	c, err := rtmp.Dial(url)
	if err != nil {
		return err
	}
	defer c.Close()
	streams, err := c.Streams()
	if err != nil {
		return err
	}
	video := make([]bool, len(streams))
	for i, s := range streams {
		video[i] = s.Type().IsVideo()
		if video[i] {
			got.Video++
			got.Payload += int64(len(media.AVCHeader()))
		} else {
			got.Audio++
			got.Payload += int64(len(media.AACHeader()))
		}
	}
	for {
		p, err := c.ReadPacket()
		if err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		if video[p.Idx] {
			got.Video++
			got.Payload += 5 + int64(len(p.Data))
		} else {
			got.Audio++
			got.Payload += 2 + int64(len(p.Data))
		}
	}
}

func push(url string, run *media.Run, plan media.Plan) error {
	c, err := rtmp.Dial(url)
	if err != nil {
		return err
	}
	defer c.Close()
	v, err := h264parser.NewCodecDataFromAVCDecoderConfRecord(media.AVCHeader()[5:])
	if err != nil {
		return err
	}
	a, err := aacparser.NewCodecDataFromMPEG4AudioConfigBytes(media.AACHeader()[2:])
	if err != nil {
		return err
	}
	if err := c.WriteHeader([]av.CodecData{v, a}); err != nil {
		return err
	}
	err = run.Each(plan, func(m *media.Msg, ts uint32) error {
		p := av.Packet{Idx: 1, Time: time.Duration(ts) * time.Millisecond}
		if m.Video {
			p.Idx, p.IsKeyFrame, p.Data = 0, m.Key, m.Body[5:]
		} else {
			p.Data = m.Body[2:]
		}
		return c.WritePacket(p)
	})
	if err != nil {
		return err
	}
	if err := c.WriteTrailer(); err != nil {
		return err
	}
	nc := c.NetConn().(*net.TCPConn)
	nc.CloseWrite()
	nc.SetReadDeadline(time.Now().Add(5 * time.Second))
	io.Copy(io.Discard, nc)
	return nil
}

func main() {
	peer.Main(peer.Peer{
		Pull: map[string]func(string, *media.Got) error{"": pull},
		Push: map[string]func(string, *media.Run, media.Plan) error{"": push},
	})
}
