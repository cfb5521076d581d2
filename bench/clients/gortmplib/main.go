// Command peer-gortmplib drives github.com/bluenviron/gortmplib.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/amf0"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/bluenviron/gortmplib/pkg/message"

	"github.com/go-librtmp/rtmp/bench/media"
	"github.com/go-librtmp/rtmp/bench/peer"
)

// v1 wants the stream key in the fragment: rtmp://host/app#key.
func dial(raw string, publish bool) (*gortmplib.Client, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	u.Fragment = path.Base(u.Path)
	u.Path = path.Dir(u.Path)
	c := &gortmplib.Client{URL: u, Publish: publish}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return c, c.Initialize(ctx)
}

func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// pull: the message level, which is as close to FLV as this library offers.
func pull(url string, got *media.Got) error {
	c, err := dial(url, false)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		msg, err := c.Read()
		if err != nil {
			return ended(err)
		}
		switch m := msg.(type) {
		case *message.Video:
			got.Video++
			if m.Type == message.VideoTypeConfig {
				got.Payload += int64(len(media.AVCHeader()))
			} else {
				got.Payload += 5 + int64(len(m.AU))
			}
		case *message.Audio:
			got.Audio++
			if m.AACType == message.AudioAACTypeConfig {
				got.Payload += int64(len(media.AACHeader()))
			} else {
				got.Payload += 2 + int64(len(m.AU))
			}
		}
	}
}

// pullReader: the level the README shows (tracks and access units).
func pullReader(url string, got *media.Got) error {
	c, err := dial(url, false)
	if err != nil {
		return err
	}
	defer c.Close()
	r := &gortmplib.Reader{Conn: c}
	if err := r.Initialize(); err != nil {
		return err
	}
	for _, t := range r.Tracks() {
		switch t.Codec.(type) {
		case *codecs.H264:
			r.OnDataH264(t, func(pts, dts time.Duration, au [][]byte) {
				got.Video++
				got.Payload += 5
				for _, n := range au {
					got.Payload += 4 + int64(len(n))
				}
			})
		case *codecs.MPEG4Audio:
			r.OnDataMPEG4Audio(t, func(pts time.Duration, au []byte) {
				got.Audio++
				got.Payload += 2 + int64(len(au))
			})
		default:
			return fmt.Errorf("unexpected track %T", t.Codec)
		}
	}
	for {
		if err := r.Read(); err != nil {
			return ended(err)
		}
	}
}

func push(url string, run *media.Run, plan media.Plan) error {
	c, err := dial(url, true)
	if err != nil {
		return err
	}
	defer c.Close()
	done := make(chan struct{})
	go func() { // the server's acknowledgements
		defer close(done)
		for {
			if _, err := c.Read(); err != nil {
				return
			}
		}
	}()
	err = run.Each(plan, func(m *media.Msg, ts uint32) error {
		if m.Video {
			return c.Write(&message.Video{
				ChunkStreamID: message.VideoChunkStreamID, MessageStreamID: 0x1000000,
				DTS: time.Duration(ts) * time.Millisecond, Codec: message.CodecH264,
				IsKeyFrame: m.Key, Type: message.VideoTypeAU, AU: m.Body[5:],
			})
		}
		return c.Write(&message.Audio{
			ChunkStreamID: message.AudioChunkStreamID, MessageStreamID: 0x1000000,
			DTS: time.Duration(ts) * time.Millisecond, Codec: message.CodecMPEG4Audio,
			Rate: message.AudioRate44100, Depth: message.AudioDepth16, IsStereo: true,
			AACType: message.AudioAACTypeAU, AU: m.Body[2:],
		})
	})
	if err != nil {
		return err
	}
	c.NetConn().(*net.TCPConn).CloseWrite()
	<-done
	return nil
}

func conn(url string) error {
	c, err := dial(url, false)
	if err != nil {
		return err
	}
	c.Close()
	return nil
}

func rpc(url string) (func(int) error, func(), error) {
	c, err := dial(url, false)
	if err != nil {
		return nil, nil, err
	}
	call := func(i int) error {
		id := 100 + i
		err := c.Write(&message.CommandAMF0{ChunkStreamID: 3, Name: "echo", CommandID: id, Arguments: amf0.Data{nil, "hello", float64(i)}})
		if err != nil {
			return err
		}
		for {
			msg, err := c.Read()
			if err != nil {
				return err
			}
			if r, ok := msg.(*message.CommandAMF0); ok && r.Name == "_result" && r.CommandID == id {
				if len(r.Arguments) < 3 || r.Arguments[1] != "hello" || r.Arguments[2] != float64(i) {
					return fmt.Errorf("bad echo %v", r.Arguments)
				}
				return nil
			}
		}
	}
	return call, c.Close, nil
}

func main() {
	peer.Main(peer.Peer{
		Pull: map[string]func(string, *media.Got) error{"": pull, "reader": pullReader},
		Push: map[string]func(string, *media.Run, media.Plan) error{"": push},
		Conn: conn, RPC: rpc,
	})
}
