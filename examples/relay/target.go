package main

import (
	"context"
	"log"
	"sync"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// target is one place where the stream is published.
type target struct {
	name    string // in the log: without the stream's name and queries, which may be keys, several targets may have the same URL
	url     string
	options rtmp.Options

	mu       sync.Mutex
	stream   *rtmp.Stream  // nil while there is no connection
	headers  flv.Headers   // what describes the stream, newest
	awaitKey bool          // pictures are left out until one comes that can be decoded by itself
	lost     chan struct{} // closed when sending has failed
}

// connect publishes until the connection is lost.
func (t *target) connect(ctx context.Context) (lived bool, err error) {
	// With a send queue, sending never waits.
	options := t.options
	options.Publish, options.SendQueue = true, 4<<20
	conn, err := rtmp.Dial(ctx, t.url, &options)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
	if err != nil {
		return false, err
	}
	log.Printf("%s: publishing", t.name)
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
	for tag := range t.headers.All() {
		t.write(&rtmp.Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: tag.Body})
	}
	return t.lost
}

// send sends a packet, if there is a connection.
func (t *target) send(p *rtmp.Packet) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tag := flv.Tag{Type: flv.TagType(p.Type), Timestamp: p.Timestamp, Body: p.Body}
	switch kind, _ := flv.KindOf(tag); kind {
	case flv.KindHeader:
		t.headers.Keep(tag)
	case flv.KindKeyFrame:
		t.awaitKey = false
	case flv.KindFrame:
		if t.awaitKey {
			return
		}
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
