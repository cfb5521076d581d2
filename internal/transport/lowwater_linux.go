package transport

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// lowWater uses SO_RCVLOWAT, socket(7), which is the number of bytes for which poll waits. A read that need not wait returns fewer. If the
// low-water mark were lowered while there is something to read, the poller would wake up. Wait lowers the mark only if there is nothing.
type lowWater struct {
	raw    syscall.RawConn
	direct bool // each read of the connection is one read of the socket
	mark   int
	unread int

	setMark, countUnread func(fd uintptr) // made once, so that waiting does not allocate
}

func newLowWater(tcp *net.TCPConn, direct bool) LowWater {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	w := &lowWater{raw: raw, direct: direct, mark: 1}
	w.setMark = func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, w.mark) }
	w.countUnread = func(fd uintptr) { w.unread, _ = unix.IoctlGetInt(int(fd), unix.SIOCINQ) }
	return w
}

// pollIn reports whether the low-water mark has been reached or the peer has closed the connection.
func pollIn(fd uintptr) bool {
	fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds[:], 0)
	return err == nil && n > 0
}

func (w *lowWater) Wait(bytes int) bool {
	w.set(bytes)
	woken := w.raw.Read(pollIn) == nil
	if !w.direct || !woken && !w.readable() {
		w.set(1)
	}
	return woken
}

// readable reports whether there is something to read.
func (w *lowWater) readable() bool {
	w.unread = 0
	w.raw.Control(w.countUnread)
	return w.unread > 0
}

func (w *lowWater) Clear() { w.set(1) }

func (w *lowWater) set(mark int) {
	if w.mark != mark {
		w.mark = mark
		w.raw.Control(w.setMark) // fails only for a closed socket
	}
}
