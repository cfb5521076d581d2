package main

import (
	"io"

	"github.com/go-librtmp/rtmp/bench/media"
)

type counter struct{ media.Got }

func (g *counter) total() media.Got { return g.Got }

func (g *counter) add(st *chunkStream) {
	switch st.typ {
	case 9:
		g.Video++
		g.Payload += int64(st.length)
	case 8:
		g.Audio++
		g.Payload += int64(st.length)
	}
}

// streamEOF is the type of user control messages. After Play.Start, the only one is Stream EOF. Waiting for the end of the connection would
// not do, since a tunnel polls until the server loses patience.
const streamEOF = 4

func ended(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// pull plays a stream with read, which returns the chunk stream of the next message.
func pull(size int, read func(*client) (*chunkStream, error)) func(string, *media.Got) error {
	return func(url string, got *media.Got) error {
		c, err := start(url, false, size)
		if err != nil {
			return err
		}
		defer c.c.Close()
		var g counter
		defer func() { *got = g.Got }()
		for {
			st, err := read(c)
			if err != nil {
				return ended(err)
			}
			if st.typ == streamEOF {
				return nil
			}
			g.add(st)
		}
	}
}

// skip reads a message without keeping its body.
func (c *client) skip() (*chunkStream, error) {
	for {
		st, n, err := c.chunkHeader()
		if err != nil {
			return nil, err
		}
		st.got += n
		for n > 0 {
			if c.r == c.w {
				if err := c.fill(); err != nil {
					return nil, err
				}
			}
			k := min(n, c.w-c.r)
			c.r += k
			n -= k
		}
		if st.got == st.length {
			st.got = 0
			return st, c.ack()
		}
	}
}
