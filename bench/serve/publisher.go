package main

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/bench/media"
	"github.com/go-librtmp/rtmp/message"
)

// Each picture contains the time at which it was sent, for samplers: the Unix time in nanoseconds, after the bytes that decoders
// inspect.
const (
	stampOffset = 32 // offset in the body
	stampEnd    = stampOffset + 8
)

// publishChunk is the chunk size of ffmpeg's publishers.
const publishChunk = 60000

// publisher sends a run again and again, each message at its time and in its own write.
type publisher struct {
	send  func(*message.Packet) error
	close func() error
	done  chan struct{} // closed when run has ended
	sent  atomic.Int64  // bytes of media sent
	err   error         // valid once done is closed
}

// publish publishes until stop is called.
func publish(ctx context.Context, url string, run *media.Run) (*publisher, error) {
	p := &publisher{done: make(chan struct{})}
	if err := p.open(ctx, url); err != nil {
		return nil, err
	}
	for _, header := range []message.Packet{{Type: message.TypeVideo, Body: media.AVCHeader()}, {Type: message.TypeAudio, Body: media.AACHeader()}} {
		header.Absolute = true
		if err := p.send(&header); err != nil {
			p.close()
			return nil, err
		}
	}
	go p.run(run)
	return p, nil
}

func (p *publisher) open(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if addr, floor := strings.CutPrefix(url, "floor://"); floor {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		var buf []byte
		p.close, p.send = nc.Close, func(m *message.Packet) error {
			buf = append(binary.BigEndian.AppendUint32(buf[:0], uint32(len(m.Body))), m.Body...)
			_, err := nc.Write(buf)
			return err
		}
		_, err = io.WriteString(nc, "W")
		return err
	}
	c, err := rtmp.Dial(ctx, url, &rtmp.Options{Publish: true, ChunkSize: publishChunk, Timeout: dialTimeout, Proxy: "direct", BackgroundRead: true})
	if err != nil {
		return err
	}
	s, err := c.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
	if err != nil {
		c.Close()
		return err
	}
	p.send, p.close = s.WritePacket, c.Close
	return nil
}

func (p *publisher) run(run *media.Run) {
	defer close(p.done)
	var body []byte
	begin := time.Now()
	for round := uint32(0); ; round++ {
		for i := range run.Msgs {
			m := &run.Msgs[i]
			at := round*run.DurMs + m.TS
			time.Sleep(time.Until(begin.Add(time.Duration(at) * time.Millisecond)))
			body = append(body[:0], m.Body...)
			packet := message.Packet{Type: message.Type(m.TypeID()), Timestamp: at, Absolute: true, Body: body}
			if m.Video {
				binary.BigEndian.PutUint64(body[stampOffset:], uint64(time.Now().UnixNano()))
			}
			if p.err = p.send(&packet); p.err != nil {
				return
			}
			p.sent.Add(int64(len(body)))
		}
	}
}

// stop ends the publisher.
func (p *publisher) stop() {
	p.close()
	<-p.done
}
