package server

import (
	"net"

	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/capturefile"
)

// recorded returns nc, wrapped in a connection that is recorded if Server.Capture returns
// a writer.
func (c *Conn) recorded(nc net.Conn, result *handshake.Result) net.Conn {
	if c.server.Capture == nil {
		return nc
	}
	w := c.server.Capture(c)
	if w == nil {
		return nc
	}
	info := capturefile.Info{Role: capturefile.RoleServer, Transport: c.transport, Handshake: capturefile.HandshakeOf(result)}
	for address, of := range map[*string]net.Addr{&info.Server: nc.LocalAddr(), &info.Client: c.remote} {
		if of != nil {
			*address = of.String()
		}
	}
	return capturefile.NewRecorder(w, info, nil).Conn(nc, func(err error) {
		if closing := w.Close(); err == nil {
			err = closing
		}
		if err != nil {
			c.log.Warn("rtmp: the recording of the session is not complete", "error", err)
		}
	})
}
