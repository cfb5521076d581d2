package transport

import (
	"crypto/cipher"
	"errors"
	"net"
	"sync"
)

// cipherPiece is the number of bytes that are enciphered for one write to the underlying connection. Enciphered bytes must be sent, so
// cipherPiece also bounds the bytes that wait in the outbox.
const cipherPiece = 64 << 10

// cipherConn is a connection enciphered with stream ciphers, such as those of RTMPE. Each byte passes through its cipher once and in order,
// even if deadlines end reads and writes.
type cipherConn struct {
	net.Conn
	in  cipher.Stream // used by the reader only
	out cipher.Stream // guarded by writing
	box *outbox

	writing sync.Mutex
	buf     []byte // guarded by writing
}

// Encipher returns a connection that applies in to the bytes read from nc, and out to the bytes written to nc. Its Write can be resumed
// after a timeout. A Write that has timed out may have returned len(p): the next Write, even an empty one, then sends the last bytes.
func Encipher(nc net.Conn, in, out cipher.Stream) net.Conn {
	box := &outbox{Conn: nc}
	return &cipherConn{Conn: nc, in: in, out: out, box: box}
}

func (c *cipherConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.in.XORKeyStream(b[:n], b[:n])
	return n, err
}

func (c *cipherConn) Write(p []byte) (n int, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	for err = c.box.flush(); err == nil && n < len(p); {
		piece := p[n:min(len(p), n+cipherPiece)]
		if cap(c.buf) < len(piece) {
			c.buf = make([]byte, len(piece))
		}
		c.out.XORKeyStream(c.buf[:len(piece)], piece)
		var m int
		m, err = c.box.Write(c.buf[:len(piece)])
		n += m
		if err == nil {
			err = c.box.flush()
		}
	}
	return n, err
}

// CloseWrite shuts down the sending side. It returns errors.ErrUnsupported if the underlying connection has no CloseWrite.
func (c *cipherConn) CloseWrite() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.box.flush(); err != nil {
		return err
	}
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}
