// Command peer-raw is the floor: it has no protocol, and just calls read(2) or write(2) in a loop. With the other schemes than rtmp, it
// reads from crypto/tls, deciphers what it reads with RC4, or uses net/http.
//
// The command lines are "peer-raw pull-64k|pull-256k|... URL", "peer-raw pull-get|pull-post rtmpt://..." and "peer-raw push URL N". Of the
// URL, only the scheme, host:port and a "-b<digits>" are used.
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
	_, rest, _ := strings.Cut(url, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// wanted returns the number after "-b" in a URL, or 0 if the URL does not contain "-b".
func wanted(url string) (n uint64) {
	_, digits, _ := strings.Cut(url, "-b")
	fmt.Sscanf(digits, "%d", &n)
	return n
}

// order is what a source of bytes wants to read first.
func order(url string) []byte { return binary.BigEndian.AppendUint64([]byte("R"), wanted(url)) }

// drain reads until the end.
func drain(r io.Reader, size int, got *media.Got) error {
	buf := make([]byte, size)
	for {
		n, err := r.Read(buf)
		got.Payload += int64(n)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func pull(size int) func(string, *media.Got) error {
	return func(url string, got *media.Got) error {
		c, err := dial(url)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.Write(order(url)); err != nil {
			return err
		}
		return drain(c, size, got)
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
			"get": get, "post": post,
		},
		Push: map[string]func(string, *media.Run, media.Plan) error{"": push, "256k": pushBig},
	})
}
