// Package pcap makes captures of RTMP sessions out of recorded packets, and recorded packets out of captures.
package pcap

import (
	"errors"
	"io"

	"github.com/go-librtmp/rtmp/capture"
)

// Report is what Convert has found.
type Report struct {
	Packets  int      // read
	Sessions int      // written
	Problems []string // connections that are no RTMP, began before the packets, are encrypted, or of which packets are missing
}

// Convert reads packets in the formats pcap and pcapng, and writes the RTMP sessions in them to w as a capture: RTMP on any port, and
// RTMPT. Secrets are replaced. Options are those of capture.NewWriter. The Report is never nil.
func Convert(w io.Writer, packets io.Reader, options ...capture.Option) (*Report, error) {
	return new(Report), errors.ErrUnsupported
}

// Open is Convert for a file, to a temporary file that is removed when the File is closed.
func Open(path string, options ...capture.Option) (*capture.File, *Report, error) {
	return nil, new(Report), errors.ErrUnsupported
}

// Write writes a session as packets that Wireshark reads: one TCP connection from the handshake on, which is made up.
func Write(w io.Writer, s *capture.Session) error { return errors.ErrUnsupported }

// IsPcap reports whether a file that begins like that is in one of the formats that Convert reads; 4 bytes are enough.
func IsPcap(head []byte) bool { return false }
