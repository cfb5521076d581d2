// Package iov writes several buffers with one system call, on the systems that have writev(2).
package iov

// Max is the maximum number of buffers in one system call (IOV_MAX).
const Max = 1024
