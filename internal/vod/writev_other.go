//go:build !unix

package vod

import (
	"bytes"
	"os"
)

// writev writes pieces.
func writev(f *os.File, pieces [][]byte) error {
	_, err := f.Write(bytes.Join(pieces, nil))
	return err
}
