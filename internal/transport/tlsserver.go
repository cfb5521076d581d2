package transport

import (
	"context"
	"crypto/tls"
	"net"
)

// ServeTLS begins TLS on nc as a server. The connection's Write can be resumed after a timeout. If ServeTLS fails, it closes nc.
func ServeTLS(ctx context.Context, nc net.Conn, config *tls.Config) (net.Conn, error) {
	box := &outbox{Conn: nc}
	tc := tls.Server(box, config)
	if err := tc.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, noEOF(err)
	}
	return &tlsConn{Conn: tc, box: box}, nil
}
