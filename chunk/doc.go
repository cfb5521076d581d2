// Package chunk turns messages into RTMP chunks and chunks into messages (RTMP 1.0 section 5.3). The format is the same
// in both directions, so a client and a server use the same Reader and Writer.
//
// The Reader is a pull parser that can be interrupted: after an error of its source, such as a deadline, nothing is lost and the
// next call continues in the middle of the header or message. The Writer only appends to a byte slice; the caller decides when and
// how the bytes are sent.
package chunk
