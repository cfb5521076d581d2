package edge

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/relay"
	"github.com/go-librtmp/rtmp/server"
)

// pull fetches one stream.
type pull struct {
	edge   *Edge
	path   string
	via    []string
	source *relay.Player
	idle   *time.Timer // started when the last player has left
	ctx    context.Context
	cancel context.CancelFunc
	unused bool // the pull is ending because there are no players; guarded by edge.mu
	since  time.Time
	begun  atomic.Bool // media has arrived

	pub     *server.Publisher // nil if no media has arrived yet, or the stream has ended
	headers flv.Headers
}

// fetch begins to fetch a stream. The caller holds e.mu.
func (e *Edge) fetch(path string, via []string) {
	if e.ctx.Err() != nil {
		return
	}
	delete(e.waiting, path)
	p := &pull{edge: e, path: path, via: via, since: time.Now()}
	p.ctx, p.cancel = context.WithCancel(e.ctx)
	url, options := e.target(e.options.Pull, path, via)
	p.source = &relay.Player{URL: url, Options: options, Backoff: backoff, OnEvent: p.handleEvent}
	p.idle = time.AfterFunc(time.Hour, p.endIfUnused)
	p.idle.Stop()
	e.pulls[path] = p
	e.running.Go(p.run)
}

// run publishes the messages that it receives, until the stream has no players, or a client publishes it here.
func (p *pull) run() {
	defer p.remove()
	defer p.unpublish()
	defer p.source.Close()
	defer p.source.Bind(p.ctx)()
	var packet message.Packet
	for {
		if err := p.source.ReadPacket(&packet); err != nil {
			if p.ctx.Err() == nil {
				p.edge.options.Logger.Error("cannot fetch a stream", "error", err)
			}
			return
		}
		p.keepHeader(&packet)
		if err := p.publish(&packet); err != nil {
			p.edge.options.Logger.Info("no longer fetching a stream", "reason", err)
			return
		}
	}
}

// keepHeader stores a packet if it is a header. source returns headers only once, but publish may need them again.
func (p *pull) keepHeader(packet *message.Packet) {
	tag := flv.Tag{Type: flv.TagType(packet.Type), Timestamp: packet.Timestamp, Body: packet.Body}
	if kind, _ := flv.KindOf(tag); kind == flv.KindHeader {
		p.headers.Keep(tag)
	}
}

// publish publishes a packet. If the stream is not being published here yet, publish starts with the headers.
func (p *pull) publish(packet *message.Packet) error {
	if p.pub != nil {
		return p.pub.WritePacket(packet)
	}
	p.begun.Store(true)
	var err error
	if p.pub, err = p.edge.options.Server.Publish(p.ctx, p.path); err != nil {
		return err
	}
	for tag := range p.headers.All() {
		if err := p.pub.WritePacket(&message.Packet{Type: message.Type(tag.Type), Timestamp: packet.Timestamp, Body: tag.Body}); err != nil {
			return err
		}
	}
	return p.pub.WritePacket(packet)
}

// unpublish ends the publication here. The players of the stream stay for a while, in case it begins again.
func (p *pull) unpublish() {
	if p.pub != nil {
		p.pub.Close()
		p.pub = nil
	}
}

// handleEvent is called by source.ReadPacket. It ends the publication here if the stream has ended at the other server. It does not do so
// if that server is unreachable, or has restarted and does not have the stream yet.
func (p *pull) handleEvent(event relay.Event) {
	p.edge.log("pull", event)
	var status *rtmp.StatusError
	if event.Kind == relay.Unpublished &&
		(errors.Is(event.Err, io.EOF) || errors.As(event.Err, &status) && status.Code == message.CodePlayUnpublishNotify) {
		p.unpublish()
	}
}

// endIfUnused ends the pull if the stream has no players.
func (p *pull) endIfUnused() {
	players := 0 // includes players for which Played was not called
	for _, stream := range p.edge.options.Server.Stats().Streams {
		if stream.Path == p.path {
			players = stream.Players
		}
	}
	e := p.edge
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.players[p.path] > 0: // Left will start the timer
	case players > 0:
		p.idle.Reset(e.options.Idle)
	default:
		p.unused = true
		p.cancel()
	}
}

// remove removes the pull. If a player has joined while this pull was ending, it begins another pull of the stream. It also begins the
// pulls of the streams in e.waiting.
func (p *pull) remove() {
	p.cancel()
	e := p.edge
	e.mu.Lock()
	defer e.mu.Unlock()
	p.idle.Stop()
	if e.pulls[p.path] == p { // false if makeRoom has already removed the pull
		delete(e.pulls, p.path)
		if p.unused && e.players[p.path] > 0 && e.published[p.path] == 0 {
			e.fetch(p.path, p.via)
		}
	}
	for path, via := range e.waiting {
		if len(e.pulls) >= e.options.MaxPulls {
			return
		}
		e.fetch(path, via)
	}
}
