//go:build unix && !linux && !darwin && !illumos

package session

import "syscall"

// writev uses one system call for each buffer.
func writev(fd int, b [][]byte) (total int, err error) {
	for _, one := range b {
		n, err := syscall.Write(fd, one)
		if total += max(0, n); err != nil || n < len(one) {
			return total, err
		}
	}
	return total, nil
}
