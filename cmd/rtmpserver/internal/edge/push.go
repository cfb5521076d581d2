package edge

import (
	"context"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/relay"
	"github.com/go-librtmp/rtmp/server"
)

// retry is the interval at which subscribe tries again. It tries again if Live.Await is negative and the stream is about to be published.
const retry = 20 * time.Millisecond

// push publishes one stream to other servers.
type push struct {
	edge   *Edge
	path   string
	via    []string
	idle   *time.Timer // started when the last publisher has left
	ctx    context.Context
	cancel context.CancelFunc
}

// forward begins to publish a stream to the targets. The caller holds e.mu.
func (e *Edge) forward(path string, via []string) {
	if e.ctx.Err() != nil {
		return
	}
	p := &push{edge: e, path: path, via: via}
	p.ctx, p.cancel = context.WithCancel(e.ctx)
	p.idle = time.AfterFunc(time.Hour, p.endIfUnpublished)
	p.idle.Stop()
	e.pushes[path] = p
	e.running.Go(p.run)
}

// run publishes the stream to all targets until the stream ends. A target that is slow or unreachable does not delay
// the others.
func (p *push) run() {
	defer p.remove()
	var targets []*relay.Publisher
	for i, base := range p.edge.options.Push {
		url, options := p.edge.target(base, p.path, p.via)
		log := p.edge.options.Logger.With("target", i+1)
		targets = append(targets, &relay.Publisher{URLs: []string{url}, Options: options, Backoff: backoff,
			OnEvent: func(e relay.Event) { log.Info("push", "event", e.String()) }})
	}
	defer closeAll(targets)
	stream, err := p.subscribe()
	if err != nil {
		return
	}
	defer stream.Close()
	for {
		m, err := stream.Next(p.ctx)
		if err != nil {
			return
		}
		packet := message.Packet{Type: message.Type(m.Tag.Type), Timestamp: m.Tag.Timestamp, Body: m.Tag.Body}
		for _, target := range targets {
			target.WritePacket(&packet) // fails only if the target is closed, since Check has refused invalid URLs
		}
	}
}

// subscribe waits until the stream is published.
func (p *push) subscribe() (*server.Subscriber, error) {
	for {
		stream, err := p.edge.options.Server.Subscribe(p.ctx, p.path, server.SubscribeOptions{})
		if err == nil {
			return stream, nil
		}
		select {
		case <-time.After(retry):
		case <-p.ctx.Done():
			return nil, p.ctx.Err()
		}
	}
}

// closeAll sends the queued messages and closes the targets.
func closeAll(targets []*relay.Publisher) {
	var closing sync.WaitGroup
	for _, target := range targets {
		closing.Go(func() { target.Close() })
	}
	closing.Wait()
}

// endIfUnpublished ends the push if the stream no longer has a publisher.
func (p *push) endIfUnpublished() {
	p.edge.mu.Lock()
	defer p.edge.mu.Unlock()
	if p.edge.published[p.path] == 0 {
		p.cancel()
	}
}

// remove removes the push, and begins another one if the stream has a publisher again.
func (p *push) remove() {
	p.cancel()
	e := p.edge
	e.mu.Lock()
	defer e.mu.Unlock()
	p.idle.Stop()
	delete(e.pushes, p.path)
	if e.published[p.path] > 0 {
		e.forward(p.path, p.via)
	}
}
