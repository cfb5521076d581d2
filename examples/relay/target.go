package main

import (
	"bytes"
	"context"
	"log"
	"sync"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// target is one place where the stream is published.
type target struct {
	url string

	mu       sync.Mutex
	stream   *rtmp.Stream    // nil while there is no connection
	headers  [3]*rtmp.Packet // newest metadata, video and audio header
	awaitKey bool            // pictures are left out until one comes that can be decoded by itself
	lost     chan struct{}   // closed when sending has failed
}

// connect publishes until the connection is lost.
func (t *target) connect(ctx context.Context) (lived bool, err error) {
	// With a send queue, sending never waits.
	conn, err := rtmp.Dial(ctx, t.url, &rtmp.Options{Publish: true, SendQueue: 4 << 20})
	if err != nil {
		return false, err
	}
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
	if err != nil {
		return false, err
	}
	log.Printf("%s: publishing", t.url)
	lost := t.begin(stream)
	select {
	case <-lost:
	case <-conn.Done():
	case <-ctx.Done():
	}
	t.mu.Lock()
	t.stream = nil
	t.mu.Unlock()
	if err := stream.Close(); err != nil {
		return true, err
	}
	return true, ctx.Err()
}

// begin sends what every player needs first.
func (t *target) begin(stream *rtmp.Stream) (lost <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stream, t.awaitKey, t.lost = stream, true, make(chan struct{})
	for _, p := range t.headers {
		if p != nil {
			t.write(p)
		}
	}
	return t.lost
}

// send sends a packet, if there is a connection.
func (t *target) send(p *rtmp.Packet) {
	t.mu.Lock()
	defer t.mu.Unlock()
	keep, picture, key := classify(p)
	if keep >= 0 {
		kept := *p
		kept.Body = bytes.Clone(p.Body)
		t.headers[keep] = &kept
	}
	if t.stream == nil || picture && t.awaitKey && !key {
		return
	}
	if key {
		t.awaitKey = false
	}
	t.write(p)
}

// write ends the connection when it fails. The caller holds t.mu.
func (t *target) write(p *rtmp.Packet) {
	if t.stream == nil {
		return
	}
	if err := t.stream.WritePacket(p); err != nil {
		t.stream = nil
		close(t.lost)
	}
}

// classify tells which header a packet is, if any, and whether it is a picture, and one that needs no other.
func classify(p *rtmp.Packet) (header int, picture, key bool) {
	switch p.Type {
	case message.TypeDataAMF0:
		if name, _, err := flv.ParseScript(p.Body); err == nil && name == "onMetaData" {
			return 0, false, false
		}
	case message.TypeVideo:
		if h, err := flv.ParseVideoHeader(p.Body); err == nil {
			if h.IsSequenceHeader() {
				return 1, false, false
			}
			return -1, h.IsFrame(), h.IsKeyFrame()
		}
	case message.TypeAudio:
		if h, err := flv.ParseAudioHeader(p.Body); err == nil && h.IsSequenceHeader() {
			return 2, false, false
		}
	}
	return -1, false, false
}
