// Package session is an RTMP connection after its handshake, in either role: what reading, writing, answering and calling
// have in common, whether the program is the client or the server. It stands to both as the mux of golang.org/x/crypto/ssh
// does to its client and server, and knows nothing of connect, of play and publish, nor of streams.
package session
