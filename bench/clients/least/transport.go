package main

import (
	"crypto/rand"
	"crypto/tls"
	"io"
	"net"

	"github.com/go-librtmp/rtmp/bench/peer"
	"github.com/go-librtmp/rtmp/handshake"
)

// dial performs the handshake. The caller must send c2 with connect; if it is empty, it has been sent.
func dial(scheme, host string) (nc net.Conn, c2 []byte, err error) {
	switch scheme {
	case "rtmpt":
		nc, err = dialTunnel(host)
	case "rtmps":
		nc, err = tls.Dial("tcp", host, &tls.Config{InsecureSkipVerify: true})
	default:
		nc, err = net.Dial("tcp", host)
	}
	if err != nil {
		return nil, nil, err
	}
	if scheme == "rtmpe" { // it must compute keys, which the library does here, before the work
		keys, err := handshake.Client(nc, handshake.Config{Encryption: handshake.EncryptionPlain})
		if err != nil {
			return nil, nil, err
		}
		return &peer.Enciphered{Conn: nc, In: keys.In, Out: keys.Out}, nil, nil
	}
	c := make([]byte, 1+1536)
	c[0] = 3
	rand.Read(c[9:])
	if _, err := nc.Write(c); err != nil {
		return nil, nil, err
	}
	s := make([]byte, 1+2*1536)
	_, err = io.ReadFull(nc, s)
	return nc, s[1:1537:1537], err
}
