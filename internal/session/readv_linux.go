package session

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
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
	n      int
	err    error
	once   func(fd uintptr) bool // the method value readOnce, made once so that reading does not allocate
}

// init prepares r to read nc. It returns false if nc is not a plain socket.
func (r *vectorReader) init(nc net.Conn) bool {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	r.nc, r.raw, r.once = tcp, raw, r.readOnce
	return err == nil
}

// readOnce returns false if there is nothing to read. Sockets of package net don't block.
func (r *vectorReader) readOnce(fd uintptr) bool {
	to := r.vector.Lend()
	for {
		r.n, r.err = readInto(fd, to)
		switch r.err {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			r.vector.Reclaim()
			return false
		}
		return true
	}
}

// iovecs holds unused arguments of readv. All connections share them, since a connection needs them only while it reads.
var iovecs = sync.Pool{New: func() any { return new([]unix.Iovec) }}

// readInto fills the slices, in order, with one system call.
func readInto(fd uintptr, to [][]byte) (int, error) {
	if len(to) == 1 {
		return syscall.Read(int(fd), to[0])
	}
	pooled := iovecs.Get().(*[]unix.Iovec)
	iov := (*pooled)[:0]
	for _, b := range to {
		v := unix.Iovec{Base: &b[0]}
		v.SetLen(len(b))
		iov = append(iov, v)
	}
	n, _, errno := syscall.Syscall(unix.SYS_READV, fd, uintptr(unsafe.Pointer(&iov[0])), uintptr(len(iov)))
	clear(iov)
	*pooled = iov
	iovecs.Put(pooled)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// read reads from the socket once. It returns the same errors as net.Conn.Read.
func (r *vectorReader) read(v chunk.Vector) (int, error) {
	r.vector = v
	if err := r.raw.Read(r.once); err != nil {
		return 0, asRead(err)
	}
	return r.result()
}

func (r *vectorReader) result() (int, error) {
	switch {
	case r.err != nil:
		return 0, &net.OpError{Op: "read", Net: "tcp", Source: r.nc.LocalAddr(), Addr: r.nc.RemoteAddr(), Err: os.NewSyscallError("read", r.err)}
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
