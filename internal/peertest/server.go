package peertest

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// Listen starts a server and returns its URL. The n-th script serves the n-th connection; further connections are closed at once. accepted
// counts all connections. The scripts end before the test does.
func Listen(t testing.TB, scripts ...func(*Peer)) (url string, accepted *atomic.Int32) {
	t.Helper()
	l := conntest.Listen(t)
	accepted = new(atomic.Int32)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			n := int(accepted.Add(1))
			if n > len(scripts) {
				nc.Close()
				continue
			}
			running.Go(func() { run(nc, scripts[n-1]) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return "rtmp://" + l.Addr().String() + "/app/play", accepted
}

// Dialer returns a dial function that connects to scripted servers through pipes, so that both ends use the clock of a synctest bubble. The
// n-th script serves the n-th connection. dials counts the connections. The scripts end before the test does.
func Dialer(t testing.TB, scripts ...func(*Peer)) (dial func(context.Context, string, string) (net.Conn, error), dials *atomic.Int32) {
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	dials = new(atomic.Int32)
	return func(context.Context, string, string) (net.Conn, error) {
		n := int(dials.Load())
		if n == len(scripts) {
			return nil, errors.New("no more scripts")
		}
		dials.Add(1)
		client, server := net.Pipe()
		running.Go(func() {
			defer server.Close()
			if p, err := Accept(server); err == nil {
				scripts[n](p)
			}
		})
		return client, nil
	}, dials
}

// Status sends an onStatus about message stream 1.
func (p *Peer) Status(code string) { p.StatusOn(1, code) }

// StatusOn sends an onStatus about a message stream, or about the connection if streamID is 0. The level follows from the code.
func (p *Peer) StatusOn(streamID uint32, code string) {
	level := "status"
	switch code {
	case message.CodePlayStreamNotFound, message.CodePlayFailed, message.CodeSeekInvalidTime, message.CodePublishBadName,
		message.CodePublishDenied:
		level = "error"
	}
	p.Call(streamID, "onStatus", 0, nil, message.StatusObject(level, code, "about "+code))
}

// AcceptConnect answers connect, and returns it.
func (p *Peer) AcceptConnect() *message.Command {
	cmd := p.Expect("connect")
	if cmd != nil {
		p.Call(0, "_result", cmd.TransactionID, message.StatusObject("", "", ""),
			message.StatusObject("status", message.CodeConnectSuccess, "welcome"))
	}
	return cmd
}

// AcceptStream answers createStream with a message stream id.
func (p *Peer) AcceptStream(id uint32) {
	if cmd := p.Expect("createStream"); cmd != nil {
		p.Call(0, "_result", cmd.TransactionID, nil, float64(id))
	}
}

// AcceptPlayer answers connect, createStream and play, and returns the play command.
func (p *Peer) AcceptPlayer() *message.Command {
	p.AcceptConnect()
	p.AcceptStream(1)
	cmd := p.Expect("play")
	p.Status(message.CodePlayStart)
	return cmd
}

// AcceptPublisher answers connect, createStream and publish.
func (p *Peer) AcceptPublisher() {
	p.AcceptConnect()
	p.AcceptStream(1)
	p.Expect("publish")
	p.Status(message.CodePublishStart)
}
