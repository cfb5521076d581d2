package rtmp

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/message"
)

// strictServer is a distant server that serves one stream per connection and handles requests in order. It may reject requests that arrive too
// early.
type strictServer struct {
	firstID uint32                                                        // message stream id that the first createStream returns; 0 means 1
	delay   time.Duration                                                 // time before connect is answered
	opens   func(*handshake.Result) reaction                              // returns the reaction to the handshake; nil means serve
	reacts  func(g *strictConn, cmd *message.Command, id uint32) reaction // returns the reaction to a command on message stream id; nil means serve
	*distant
	visits sync.WaitGroup

	mu     sync.Mutex
	guests []*strictConn
}

// reaction is what a strictServer does when a request arrives.
type reaction int

const (
	serve reaction = iota
	drop
	hangUp
)

// strictConn is a connection to a strictServer. Its lock guards all fields.
type strictConn struct {
	sync.Mutex
	*peertest.Peer
	host     *strictServer
	commands []string // in the order of arrival
	accepted bool
	given    uint32   // message stream id that the last createStream returned; 0 means none
	waiting  []func() // functions that serve the requests received before connect was answered
	media    int      // messages received
	buffers  []uint32 // values of SetBufferLength in ms
}

// newStrictServer runs w, in a synctest bubble, until it is closed.
func newStrictServer(t *testing.T, w *strictServer) *strictServer {
	w.distant = newDistant()
	w.visits.Go(func() {
		for {
			nc, err := w.Accept()
			if err != nil {
				return
			}
			g := &strictConn{host: w, Peer: peertest.New(nc)}
			w.mu.Lock()
			w.guests = append(w.guests, g)
			w.mu.Unlock()
			w.visits.Go(func() { w.visit(nc, g) })
		}
	})
	return w
}

func (w *strictServer) close() {
	w.distant.Close()
	w.visits.Wait()
}

// connections returns all connections so far, including closed ones.
func (w *strictServer) connections() []*strictConn {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.guests
}

func (w *strictServer) visit(nc net.Conn, g *strictConn) {
	defer nc.Close()
	result, err := handshake.Server(nc, handshake.Config{})
	if err != nil {
		return
	}
	if w.opens != nil {
		switch w.opens(result) {
		case hangUp:
			return
		case drop:
			g.UntilGone()
			return
		}
	}
	for {
		var m chunk.Message
		if g.In.Next(&m) != nil || !g.receive(&m) {
			return
		}
	}
}

func (g *strictConn) receive(m *chunk.Message) bool {
	g.Lock()
	defer g.Unlock()
	switch message.Type(m.Type) {
	case message.TypeAudio, message.TypeVideo:
		g.media++
	case message.TypeUserControl:
		if u, err := message.ParseUserControl(m.Body()); err == nil && u.Event == message.EventSetBufferLength {
			g.buffers = append(g.buffers, u.Buffer)
		}
	case message.TypeCommandAMF0:
		cmd, err := message.ParseCommand(message.TypeCommandAMF0, m.Body())
		if err != nil {
			return false
		}
		g.commands = append(g.commands, cmd.Name)
		id := m.StreamID
		if g.host.reacts != nil {
			switch g.host.reacts(g, &cmd, id) {
			case hangUp:
				return false
			case drop:
				return true
			}
		}
		if g.accepted || cmd.Name == "connect" {
			g.serve(&cmd, id)
		} else {
			g.waiting = append(g.waiting, func() { g.serve(&cmd, id) })
		}
	}
	return true
}

func (g *strictConn) serve(cmd *message.Command, id uint32) {
	switch cmd.Name {
	case "connect":
		time.AfterFunc(max(g.host.delay, 1), func() { // time in a bubble advances only after everything sent with connect has been read
			g.Lock()
			defer g.Unlock()
			g.Call(0, "_result", cmd.TransactionID, nil, message.StatusObject("status", message.CodeConnectSuccess, "welcome"))
			g.accepted = true
			for _, f := range g.waiting {
				f()
			}
		})
	case "createStream":
		if g.given++; g.given == 1 {
			g.given = max(1, g.host.firstID)
		}
		g.Call(0, "_result", cmd.TransactionID, nil, float64(g.given))
	case "play", "publish":
		if id != g.given {
			g.refuse(cmd)
			return
		}
		if cmd.Name == "publish" {
			g.Call(id, "onStatus", 0, nil, message.StatusObject("status", message.CodePublishStart, "go ahead"))
			return
		}
		g.Call(id, "onStatus", 0, nil, message.StatusObject("status", message.CodePlayStart, "here it comes"))
		g.Send(chunk.Outgoing{Type: uint8(message.TypeVideo), ChunkStreamID: 6, StreamID: id, Body: []byte("picture")})
	}
}

func (g *strictConn) refuse(cmd *message.Command) {
	g.Call(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", message.CodeCallFailed, "too early"))
}

// early reports whether cmd has arrived before connect was answered.
func (g *strictConn) early(cmd *message.Command) bool { return !g.accepted && cmd.Name != "connect" }

func opensStream(cmd *message.Command) bool { return cmd.Name == "play" || cmd.Name == "publish" }
