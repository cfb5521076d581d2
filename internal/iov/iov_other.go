//go:build unix && !linux && !darwin && !illumos

package iov

import "syscall"

// Write writes buffers, at most Max of which are used, to fd with one system call for each. It returns how many bytes it has written.
// Like writev(2), it returns no error if it has written any.
func Write(fd int, buffers [][]byte) (total int, err error) {
	for _, b := range buffers[:min(len(buffers), Max)] {
		n, err := syscall.Write(fd, b)
		if err != nil && total == 0 {
			return 0, err
		}
		if total += max(0, n); n < len(b) {
			break
		}
	}
	return total, nil
}
