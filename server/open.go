package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/transport"
	"github.com/go-librtmp/rtmp/message"
)

// Accept performs the server's handshake on nc, and leaves the rest to the program. The program reads messages with ReadPacket, and either
// answers connect itself or passes the packets to HandlePacket. s provides the limits and, for HandlePacket, the applications; it may be
// nil. If Accept fails, it closes nc, and the error is a *handshake.Error.
//
// The results of calls are received only while ReadPacket runs.
func Accept(ctx context.Context, nc net.Conn, s *Server) (*Conn, error) {
	if s == nil {
		s = new(Server)
	}
	s.init()
	c := s.newConn(ctx, nc)
	c.byHand = true
	if err := c.shakeHands(ctx, nil, nil); err != nil {
		nc.Close()
		return nil, err
	}
	return c, nil
}

// newConn makes a Conn for a connection before the handshake.
func (s *Server) newConn(ctx context.Context, nc net.Conn) *Conn {
	c := &Conn{server: s, id: s.lastID.Add(1), dialed: nc, nc: nc, opening: nc, remote: nc.RemoteAddr(), streams: make(map[uint32]*netStream)}
	if s.ConnContext != nil {
		ctx = s.ConnContext(ctx, nc)
	}
	c.ctx, c.cancel = context.WithCancelCause(context.WithValue(ctx, contextKey{}, c))
	c.log = slog.New(connLog{c: c})
	return c
}

// setUp registers a connection and performs the handshakes. If it fails, it has closed the connection.
func (c *Conn) setUp(ctx context.Context, config *tls.Config, p *slot) error {
	s := c.server
	if !join(s, s.conns, c) {
		c.nc.Close()
		return ErrServerClosed
	}
	if err := c.shakeHands(ctx, config, p); err != nil {
		c.fail(err)
		c.log.Debug("rtmp: handshake failed", "error", err)
		c.dialed.Close()
		s.remove(c)
		return c.Err()
	}
	return nil
}

// run serves the connection until it ends.
func (c *Conn) run() error {
	c.read()
	c.session.Close()
	c.release()
	c.server.remove(c)
	return c.Err()
}

// read reads until the connection ends.
func (c *Conn) read() {
	defer application{panicked: c.panicked}.recovered(nil)
	c.session.Serve()
}

func (s *Server) remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if c.session != nil {
		n := c.session.Counters()
		s.counts.bytesIn.Add(n.BytesRead.Load())
		s.counts.bytesOut.Add(n.BytesWritten.Load())
	}
}

// shakeHands reads the proxy's header and performs the TLS and RTMP handshakes, within SetupTimeout. The slot p then counts for the
// client's address, if the proxy's header contains it.
func (c *Conn) shakeHands(ctx context.Context, config *tls.Config, p *slot) error {
	s := c.server
	setup := orDefault(s.SetupTimeout, defaultSetupTimeout, 0)
	began := time.Now()
	if setup > 0 {
		c.nc.SetDeadline(began.Add(setup))
	}
	if p != nil && p.proxy {
		nc, own, err := proxied(c.nc)
		if err != nil {
			return session.During("PROXY protocol", err)
		}
		c.nc, c.remote = nc, nc.RemoteAddr()
		if !own {
			if err := s.forwarded(p, c.remote); err != nil {
				return err
			}
		}
	}
	if config != nil {
		nc, err := transport.ServeTLS(ctx, c.nc, config)
		if err != nil {
			return session.During("tls", err)
		}
		c.nc = nc
	}
	in := &session.Counted{Conn: c.nc}
	c0, encryption := make([]byte, 1), c.admits()
	n, _ := in.Read(c0) // if the read fails, the handshake fails with the same error
	if asked := handshake.Encryption(c0[0]); n == 1 && asked < encryption && slices.Contains(encryptions, asked) {
		encryption = asked
	}
	result, err := handshake.Server(struct {
		io.Reader
		io.Writer
	}{io.MultiReader(bytes.NewReader(c0[:n]), in), in}, handshake.Config{Encryption: encryption})
	if err != nil {
		return err
	}
	c.nc.SetDeadline(time.Time{})
	c.start(in.Received, result)
	if setup > 0 && !c.byHand {
		c.watchdog.start(max(1, setup-time.Since(began)), func() {
			c.session.Fail(&session.TimeoutError{What: "connect", Hint: "SetupTimeout"})
		})
	}
	return nil
}

// encryptions are the types of RTMPE, weakest first.
var encryptions = []handshake.Encryption{handshake.EncryptionPlain, handshake.EncryptionXTEA, handshake.EncryptionBlowfish}

// admits returns the strongest encryption that the client may use. Inside TLS it returns EncryptionNone.
func (c *Conn) admits() handshake.Encryption {
	switch nc := c.nc.(type) {
	case interface{ ConnectionState() tls.ConnectionState }:
		state := nc.ConnectionState()
		c.tls, c.transport = &state, "rtmps"
		return handshake.EncryptionNone
	case tunnelled:
		nc.SetBusy(c.hooks.Busy)
		c.tls, c.transport = nc.TLS(), "rtmpt"
		if c.tls != nil {
			c.transport = "rtmpts"
			return handshake.EncryptionNone
		}
	default:
		c.transport = "rtmp"
	}
	return c.server.Encryption
}

// handshakeSize is the size of S0, S1 and S2, in bytes.
const handshakeSize = 1 + 2*1536

// start makes the session of a connection after the handshake.
func (c *Conn) start(received uint64, result *handshake.Result) {
	s := c.server
	c.s1Tail = result.S1Tail
	wire := c.nc
	if result.In != nil {
		wire = transport.Encipher(wire, result.In, result.Out)
		c.transport += "e"
	}
	d := &dispatcher{Conn: c, commands: commands{Conn: c}}
	sess := session.New(c.recorded(wire, result), d, session.Config{Peer: "client", MaxMessageSize: min(beforeConnect, s.maxMessage()),
		Timeout: s.writeTimeout(), Progress: true, HandshakeBytes: received, Tap: d.tap, BeforeRead: d.reading, HungUp: d.hungUp,
		Passive: c.byHand, Logger: c.log})
	sess.Counters().BytesRead.Add(received)
	sess.Counters().BytesWritten.Add(handshakeSize)
	c.hooks.Backlog = sess.NewBacklog(max(1<<20, s.maxMessage()), func() string { return "commands that wait for a hook" })
	c.waiting.backlog = sess.NewBacklog(max(1<<20, s.maxMessage()), func() string { return "media that waits for a hook" })
	c.mu.Lock()
	c.session, c.opening = sess, nil
	err := c.err
	c.mu.Unlock()
	if err != nil { // fail was called before c.session was set, and could not end the session
		sess.Fail(err)
	}
}

// ReadPacket reads the next message of any type into p. It does not serve the message, but Set Chunk Size and Abort messages have
// already taken effect. p.Body is set to new memory, which the caller may keep. ReadPacket is for connections from Accept. On
// other connections the Server also reads, so each gets only some of the messages.
func (c *Conn) ReadPacket(ctx context.Context, p *message.Packet) error {
	if err := c.session.ReadPacket(ctx, 0, p); err != nil {
		return err
	}
	if c.byHand && (p.Type == message.TypeCommandAMF0 || p.Type == message.TypeCommandAMF3) {
		if cmd, err := message.ParseCommand(p.Type, p.Body); cmd.Name == "_result" || cmd.Name == "_error" {
			c.session.CallAnswered(&cmd, err)
		}
	}
	return nil
}

// HandlePacket serves a packet from ReadPacket as a Server does.
func (c *Conn) HandlePacket(ctx context.Context, p *message.Packet) error {
	return c.session.HandlePacket(ctx, p)
}

// SendPacket sends p. It neither modifies nor keeps p.Body.
func (c *Conn) SendPacket(ctx context.Context, p *message.Packet) error {
	o := session.EncodePacket(p)
	if session.IsPushed(o.ChunkStreamID) {
		o.Format = 0 // a full header, since streams may have sent headers on this chunk stream that the chunk writer does not know
	}
	return session.Cancelled("send packet", c.session.Send(ctx, o))
}
