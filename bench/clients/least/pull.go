package main

import (
	"io"

	"github.com/go-librtmp/rtmp/bench/media"
)

type counter struct{ media.Got }

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

func ended(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

func pullMsg(size int) func(string, *media.Got) error {
	return func(url string, got *media.Got) error {
		c, err := dial(url, false, size)
		if err != nil {
			return err
		}
		defer c.c.Close()
		var g counter
		defer func() { *got = g.Got }()
		for {
			st, err := c.message()
			if err != nil {
				return ended(err)
			}
			g.add(st)
		}
	}
}

func pullScan(size int) func(string, *media.Got) error {
	return func(url string, got *media.Got) error {
		c, err := dial(url, false, size)
		if err != nil {
			return err
		}
		defer c.c.Close()
		var g counter
		defer func() { *got = g.Got }()
		for {
			st, n, err := c.chunkHeader()
			if err != nil {
				return ended(err)
			}
			st.got += n
			for n > 0 {
				if c.r == c.w {
					if err := c.fill(); err != nil {
						return ended(err)
					}
				}
				k := min(n, c.w-c.r)
				c.r += k
				n -= k
			}
			if st.got == st.length {
				st.got = 0
				g.add(st)
				if err := c.ack(); err != nil {
					return err
				}
			}
		}
	}
}
