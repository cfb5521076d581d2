package server

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// Publisher publishes a live stream from the program. It is an io.WriteCloser of FLV. Write and ReadFrom may be used by one goroutine
// at a time, WritePacket and WriteData by several. They wait for the disk if the stream is recorded and they write faster than the timestamps
// say.
type Publisher struct {
	pub    *live.Publisher
	stop   func() bool
	record *recording        // nil if the publication is not recorded
	hooks  session.Callbacks // Files.Done

	mu     sync.Mutex // held while a tag is written
	parser flv.Parser
	last   uint32 // timestamp of the tag written last
}

// Publish makes the program the publisher of a live stream. The first element of path names the App, whose Live and Files apply. The stream
// is recorded if Files.Record is RecordAll. No hooks except Files.Done are called. The publication ends when ctx is done, or with Close. If
// the stream already has a publisher, the error is a *Refusal with NetStream.Publish.BadName.
func (s *Server) Publish(ctx context.Context, path string) (*Publisher, error) {
	s.init()
	if !validPath(path) {
		return nil, &Refusal{Code: message.CodePublishBadName, Description: errBadPath.Error()}
	}
	app := s.application(path)
	if app == nil {
		app = new(App)
	}
	pub, err := s.hub.Publish(path, live.PublishOptions{Policy: app.Live.policy(), Owner: "local"})
	if err != nil {
		return nil, hubError(err, message.CodePublishBadName)
	}
	p := &Publisher{pub: pub}
	p.begin(s, app.Files, &Request{Path: path, Name: path[strings.LastIndexByte(path, '/')+1:], Kind: "live", Transport: "local"})
	p.stop = context.AfterFunc(ctx, pub.Close)
	return p, nil
}

// begin starts to record the stream if f asks for it. If that fails, it reports the error, and the publication continues.
func (p *Publisher) begin(s *Server, f *Files, r *Request) {
	p.hooks.Panicked = s.hookPanicked
	var err error
	p.record, err = s.record(f, r, p.pub, s.log(), nil, func(size int, tell func()) { p.hooks.Run(size, tell) })
	if err != nil && p.record != nil {
		p.record.report("", err)
	}
}

// Write publishes FLV bytes. Tags may be split anywhere between calls.
func (p *Publisher) Write(b []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var tag flv.Tag
	return session.WriteTags(b, &p.parser, &tag, "rtmp: publish", func() error { return p.write(tag) })
}

// write publishes a tag. The caller holds p.mu.
func (p *Publisher) write(tag flv.Tag) error {
	if len(tag.Body) == 0 {
		return nil
	}
	p.last = tag.Timestamp
	if err := p.pub.Write(tag); err != nil {
		return hubError(err, message.CodePublishBadName)
	}
	return nil
}

// ReadFrom publishes an FLV file or stream until its end; see flv.NewPacedReader for sending a recording at its own speed.
func (p *Publisher) ReadFrom(r io.Reader) (int64, error) {
	return session.ReadTags(r, copyBuffer, p.Write, &p.parser)
}

// WritePacket publishes an audio, video or data message. It uses the Type, the Timestamp (milliseconds) and the Body, which is copied.
func (p *Publisher) WritePacket(packet *message.Packet) error {
	if !packet.Type.Media() {
		return fmt.Errorf("rtmp: publish: %s is not media", packet.Type)
	}
	tag, ok := tagOf(&session.Message{Packet: *packet})
	if !ok {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.write(tag)
}

// WriteData publishes a data message, such as onMetaData, with the timestamp of the message written last.
func (p *Publisher) WriteData(name string, args ...any) error {
	body, err := message.AppendData(nil, message.TypeDataAMF0, name, args...)
	if err != nil {
		return fmt.Errorf("rtmp: publish: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.write(flv.Tag{Type: flv.TagScript, Timestamp: p.last, Body: body})
}

// Close ends the publication. If it is recorded, Close returns when the
// recording is complete.
func (p *Publisher) Close() error {
	p.stop()
	p.pub.Close()
	p.record.finish()
	return nil
}
