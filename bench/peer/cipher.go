package peer

import (
	"crypto/cipher"
	"net"
)

// Enciphered is a connection with a cipher for each direction.
type Enciphered struct {
	net.Conn
	In, Out cipher.Stream
}

func (e *Enciphered) Read(b []byte) (int, error) {
	n, err := e.Conn.Read(b)
	e.In.XORKeyStream(b[:n], b[:n])
	return n, err
}

func (e *Enciphered) Write(b []byte) (int, error) {
	sent := make([]byte, len(b))
	e.Out.XORKeyStream(sent, b)
	return e.Conn.Write(sent)
}
