//go:build unix && !linux && !darwin && !illumos

package iov

import "syscall"

// Write writes buffers, at most Max of which are used, to fd with one system call for each. It returns how many bytes it has written.
func Write(fd int, buffers [][]byte) (total int, err error) {
	for _, b := range buffers[:min(len(buffers), Max)] {
		n, err := syscall.Write(fd, b)
		if total += max(0, n); err != nil || n < len(b) {
			return total, err
		}
	}
	return total, nil
}
