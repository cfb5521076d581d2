package transport

import (
	"crypto/cipher"
	"errors"
	"net"
	"sync"
)

// cipherPiece is how much is enciphered for one write of the connection below, in bytes. What is enciphered can't be taken
// back, so it also bounds what waits in the outbox.
const cipherPiece = 64 << 10

// cipherConn is a connection enciphered with stream ciphers, such as RTMPE's: a byte goes through its cipher once and in
// order, whatever the deadlines do.
type cipherConn struct {
	net.Conn
	in  cipher.Stream // owned by the reader
	out cipher.Stream // owned by the holder of writing
	box *outbox

	writing sync.Mutex
	buf     []byte // owned by the holder of writing
}

// Encipher returns nc with in applied to what is read and out to what is written from now on. Its Write can be resumed after
// a timeout: it may return len(p) together with a timeout, then the last bytes wait for the next Write, even an empty one.
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

// CloseWrite tells the server that nothing more will come. It returns errors.ErrUnsupported if the connection below can't.
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
