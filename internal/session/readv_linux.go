package session

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/go-librtmp/rtmp/chunk"
)

// vectorReader reads a socket into memory that it borrows only when there is something to read.
type vectorReader struct {
	nc     *net.TCPConn
	raw    syscall.RawConn
	vector chunk.Vector
	iov    []unix.Iovec
	n      int
	errno  syscall.Errno
	once   func(fd uintptr) bool // the method value readv, made once so that reading does not allocate
}

// newVectorReader returns a vectorReader for nc, or nil if nc is not a plain socket.
func newVectorReader(nc net.Conn) *vectorReader {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	r := &vectorReader{nc: tcp, raw: raw}
	r.once = r.readv
	return r
}

// readv returns false if there is nothing to read. Sockets of package net don't block.
func (r *vectorReader) readv(fd uintptr) bool {
	r.iov = r.iov[:0]
	for _, b := range r.vector.Lend() {
		v := unix.Iovec{Base: &b[0]}
		v.SetLen(len(b))
		r.iov = append(r.iov, v)
	}
	for {
		n, _, errno := syscall.Syscall(unix.SYS_READV, fd, uintptr(unsafe.Pointer(&r.iov[0])), uintptr(len(r.iov)))
		switch errno {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			clear(r.iov)
			r.vector.Reclaim()
			return false
		}
		clear(r.iov)
		r.n, r.errno = int(n), errno
		return true
	}
}

// read reads from the socket once. It returns the same errors as net.Conn.Read.
func (r *vectorReader) read(v chunk.Vector) (int, error) {
	r.vector, r.n, r.errno = v, 0, 0
	if err := r.raw.Read(r.once); err != nil {
		return 0, asRead(err)
	}
	return r.result()
}

func (r *vectorReader) result() (int, error) {
	switch {
	case r.errno != 0:
		return 0, &net.OpError{Op: "read", Net: "tcp", Source: r.nc.LocalAddr(), Addr: r.nc.RemoteAddr(), Err: os.NewSyscallError("read", r.errno)}
	case r.n == 0:
		return 0, io.EOF
	}
	return r.n, nil
}

// asRead converts an error of RawConn.Read to one of Conn.Read.
func asRead(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		op.Op = "read"
	}
	return err
}
