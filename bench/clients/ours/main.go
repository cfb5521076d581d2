// Command ours is this library as a client of the comparison.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/bench/media"
	"github.com/go-librtmp/rtmp/bench/peer"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/message"
)

var ctx = context.Background()

// playing plays a stream, which f reads.
func playing(f func(s *rtmp.Stream, got *media.Got) error) func(url string, got *media.Got) error {
	return func(url string, got *media.Got) error {
		c, err := rtmp.Dial(ctx, url, &rtmp.Options{TLSConfig: &tls.Config{InsecureSkipVerify: true}}) // blast has signed its certificate itself
		if err != nil {
			return err
		}
		defer c.Close()
		s, err := c.CreateStream(ctx, nil)
		if err != nil {
			return err
		}
		return f(s, got)
	}
}

// publishing publishes a stream, which f writes.
func publishing(f func(s *rtmp.Stream, run *media.Run, plan media.Plan) error) func(string, *media.Run, media.Plan) error {
	return func(url string, run *media.Run, plan media.Plan) error {
		c, err := rtmp.Dial(ctx, url, &rtmp.Options{Publish: true})
		if err != nil {
			return err
		}
		defer c.Close()
		s, err := c.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
		if err != nil {
			return err
		}
		if err := f(s, run, plan); err != nil {
			return err
		}
		return s.Close()
	}
}

// pull reads FLV bytes with a 64 KiB buffer, as the librtmp client does, and parses nothing but tag headers to count.
func pull(s *rtmp.Stream, got *media.Got) error { return read(s, got, 64<<10) }

// pullSmall is pull with librtmp_peer's buffer for many connections.
func pullSmall(s *rtmp.Stream, got *media.Got) error { return read(s, got, 16<<10) }

func read(s *rtmp.Stream, got *media.Got, size int) error {
	buf := make([]byte, size)
	for {
		n, err := s.Read(buf)
		got.FLV += int64(n)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// pullStreams plays as many streams of one connection as the URL says, each with a goroutine of its own.
func pullStreams(url string, got *media.Got) error {
	var n int
	_, digits, _ := strings.Cut(url, "-of")
	if _, err := fmt.Sscanf(digits, "%d", &n); err != nil {
		return err
	}
	c, err := rtmp.Dial(ctx, url, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	streams := make([]*rtmp.Stream, n)
	for i := range streams {
		if streams[i], err = c.CreateStream(ctx, nil); err != nil {
			return err
		}
	}
	var total atomic.Int64
	var group sync.WaitGroup
	errs := make([]error, n)
	for i, s := range streams {
		group.Go(func() {
			var one media.Got
			errs[i] = read(s, &one, 64<<10)
			total.Add(one.FLV)
		})
	}
	group.Wait()
	got.FLV = total.Load()
	return errors.Join(errs...)
}

func pullPackets(s *rtmp.Stream, got *media.Got) error {
	var p rtmp.Packet
	for {
		err := s.ReadPacket(&p)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch p.Type {
		case message.TypeVideo:
			got.Video++
			got.Payload += int64(len(p.Body))
		case message.TypeAudio:
			got.Audio++
			got.Payload += int64(len(p.Body))
		}
	}
}

// copyFLV writes the stream to a file with WriteTo.
func copyFLV(s *rtmp.Stream, got *media.Got) error {
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	got.FLV, err = s.WriteTo(f)
	return err
}

// push publishes packet by packet.
func push(s *rtmp.Stream, run *media.Run, plan media.Plan) error {
	var p rtmp.Packet
	return run.Each(plan, func(m *media.Msg, ts uint32) error {
		p.Type = message.TypeAudio
		if m.Video {
			p.Type = message.TypeVideo
		}
		p.Timestamp, p.Absolute, p.Body = ts, true, m.Body
		return s.WritePacket(&p)
	})
}

// pushFLV publishes a file, which is in memory, again and again with ReadFrom.
func pushFLV(s *rtmp.Stream, run *media.Run, plan media.Plan) error {
	_, err := s.ReadFrom(media.FLV(run, plan))
	return err
}

func conn(url string) error {
	c, err := rtmp.Dial(ctx, url, nil)
	if err != nil {
		return err
	}
	if _, err := c.CreateStream(ctx, nil); err != nil {
		return err
	}
	return c.Close()
}

func rpc(url string) (func(int) error, func(), error) {
	c, err := rtmp.Dial(ctx, url, nil)
	if err != nil {
		return nil, nil, err
	}
	echo := c.RemoteMethod("echo")
	return func(i int) error {
		v, err := echo(ctx, "hello", float64(i))
		if err == nil && v != "hello" {
			err = fmt.Errorf("wrong answer %v", v)
		}
		return err
	}, func() { c.Close() }, nil
}

func main() {
	peer.Main(peer.Peer{
		Pull: map[string]func(string, *media.Got) error{"": playing(pull), "packets": playing(pullPackets), "file": playing(copyFLV),
			"16k": playing(pullSmall), "streams": pullStreams},
		Push: map[string]func(string, *media.Run, media.Plan) error{"": publishing(push), "flv": publishing(pushFLV)},
		Conn: conn, RPC: rpc,
	})
}
