// Command peer-raw is the floor: it has no protocol, and just calls read(2) or write(2) in a loop.
//
// The command lines are "peer-raw pull-64k|pull-256k|... URL" and "peer-raw push URL N". Of the URL, only host:port and a "-b<digits>"
// are used.
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/go-librtmp/rtmp/bench/media"
	"github.com/go-librtmp/rtmp/bench/peer"
)

func addr(url string) string {
	return strings.SplitN(strings.TrimPrefix(url, "rtmp://"), "/", 2)[0]
}

func pull(size int) func(string, *media.Got) error {
	return func(url string, got *media.Got) error {
		c, err := net.Dial("tcp", addr(url))
		if err != nil {
			return err
		}
		defer c.Close()
		var want uint64
		if _, d, ok := strings.Cut(url, "-b"); ok {
			fmt.Sscanf(d, "%d", &want)
		}
		if _, err := c.Write(binary.BigEndian.AppendUint64([]byte("R"), want)); err != nil {
			return err
		}
		buf := make([]byte, size)
		for {
			n, err := c.Read(buf)
			got.Payload += int64(n)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
		}
	}
}

func push(url string, run *media.Run, plan media.Plan) error {
	c, err := net.Dial("tcp", addr(url))
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write([]byte("W")); err != nil {
		return err
	}
	// one write per message, as a publisher that sends each message at once
	return run.Each(plan, func(m *media.Msg, ts uint32) error {
		_, err := c.Write(m.Body)
		return err
	})
}

func pushBig(url string, run *media.Run, plan media.Plan) error {
	c, err := net.Dial("tcp", addr(url))
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write([]byte("W")); err != nil {
		return err
	}
	buf := make([]byte, 256<<10)
	for left := plan.Payload; left > 0; {
		n := min(left, int64(len(buf)))
		if _, err := c.Write(buf[:n]); err != nil {
			return err
		}
		left -= n
	}
	return nil
}

func main() {
	peer.Main(peer.Peer{
		Pull: map[string]func(string, *media.Got) error{
			"": pull(64 << 10), "4k": pull(4 << 10), "16k": pull(16 << 10), "64k": pull(64 << 10), "256k": pull(256 << 10), "1m": pull(1 << 20),
		},
		Push: map[string]func(string, *media.Run, media.Plan) error{"": push, "256k": pushBig},
	})
}
