package main

import (
	"crypto/rc4"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"

	"github.com/go-librtmp/rtmp/bench/media"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/selfsigned"
	"github.com/go-librtmp/rtmp/internal/transport"
)

// serve calls handle with each connection, on a goroutine of its own. With rtmpt, a connection is a tunnel. With rtmpe, handle itself calls
// decipher, since the ciphers are a result of RTMP's handshake.
func serve(ln net.Listener, img *image, plan media.Plan, handle func(net.Conn)) error {
	switch *scheme {
	case "rtmps":
		ln = tls.NewListener(ln, selfsigned.Server())
	case "rtmpt":
		mux := http.NewServeMux()
		mux.Handle("/", transport.NewTunnelServer(handle))
		mux.HandleFunc("GET /raw", func(w http.ResponseWriter, r *http.Request) { serveHTTP(w, r, img, plan) })
		return http.Serve(ln, mux)
	}
	for {
		nc, err := ln.Accept()
		if err != nil {
			return err
		}
		if tcp, ok := nc.(*net.TCPConn); ok && *sndbuf > 0 {
			tcp.SetWriteBuffer(*sndbuf)
		}
		go handle(nc)
	}
}

// serveHTTP sends the media as the answer to one request, without RTMP and without a tunnel.
func serveHTTP(w http.ResponseWriter, r *http.Request, img *image, plan media.Plan) {
	if n, _ := strconv.ParseInt(r.FormValue("bytes"), 10, 64); n > 0 {
		plan = img.run.Plan(n)
	}
	w.Header().Set("Content-Length", strconv.FormatInt(img.size(plan), 10))
	sent, err := img.sendAll(w, plan)
	emit(report{Mode: "raw", Wire: sent, Payload: plan.Payload, Complete: err == nil})
}

// decipher performs RTMPE's handshake on nc. With -raw, the key is the constant media.RawKey and there is no handshake.
func decipher(nc net.Conn) (net.Conn, error) {
	if *raw {
		in, _ := rc4.NewCipher([]byte(media.RawKey))
		out, _ := rc4.NewCipher([]byte(media.RawKey))
		return transport.Encipher(nc, in, out), nil
	}
	result, err := handshake.Server(nc, handshake.Config{Encryption: handshake.EncryptionPlain})
	if err != nil {
		return nil, err
	}
	return transport.Encipher(nc, result.In, result.Out), nil
}

// finish tells the client that nothing more is sent. A tunnel has no end of one direction, so its client must close it, or with -raw the
// server does.
func finish(nc net.Conn) {
	if half, ok := nc.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	} else if *raw {
		nc.Close()
	}
}
