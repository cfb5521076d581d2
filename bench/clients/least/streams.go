package main

import (
	"fmt"
	"strings"
	"sync"

	"github.com/go-librtmp/rtmp/bench/media"
)

// pullStreams plays as many streams of one connection as the URL says. This goroutine reads the socket, and hands each message to the goroutine
// of its stream, in exchange for the body of that stream's previous message, for which it waits.
func pullStreams(url string, got *media.Got) error {
	var n int
	_, digits, _ := strings.Cut(url, "-of")
	if _, err := fmt.Sscanf(digits, "%d", &n); err != nil {
		return err
	}
	c, name, err := connect(url, 64<<10)
	if err != nil {
		return err
	}
	defer c.c.Close()
	for range n {
		if err := c.createStream(); err != nil {
			return err
		}
	}
	type stream struct {
		messages chan chunkStream
		free     chan []byte
		counter
	}
	streams := make([]stream, n)
	var group sync.WaitGroup
	for i := range streams {
		s := &streams[i]
		s.messages, s.free = make(chan chunkStream, 1), make(chan []byte, 1)
		s.free <- nil
		group.Go(func() {
			for m := range s.messages {
				s.add(&m)
				s.free <- m.body
			}
		})
		c.play(uint32(i+1), name)
	}
	for {
		st, err := c.message()
		if err != nil {
			for i := range streams {
				close(streams[i].messages)
			}
			group.Wait()
			for i := range streams {
				got.Video += streams[i].Video
				got.Audio += streams[i].Audio
				got.Payload += streams[i].Payload
			}
			return ended(err)
		}
		if st.msid > 0 {
			s := &streams[st.msid-1]
			s.messages <- *st
			st.body = <-s.free
		}
	}
}
