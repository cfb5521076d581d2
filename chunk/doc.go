// Package chunk turns messages into RTMP chunks and chunks into messages (RTMP 1.0 section 5.3). The format is the same
// in both directions, so a client and a server use the same Reader and Writer.
//
// The Reader is a pull parser that can be interrupted: an error of its source (a deadline, say) loses nothing, and the
// next call goes on in mid-header or mid-message. The Writer only appends to a byte slice; when and how the bytes leave
// is its caller's business.
package chunk
