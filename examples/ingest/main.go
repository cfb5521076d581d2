// Command ingest records every stream that is published to it, by RTMP, RTMPT and, with a certificate, RTMPS. Each stream is recorded as
// DIR/app/name.flv.
//
//	go run ./examples/ingest -cert cert.pem -key key.pem recordings
package main

import (
	"errors"
	"flag"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/go-librtmp/rtmp/server"
)

// newServer returns a server that records to a folder and calls done with the result of each recording.
func newServer(dir string, done func(r *server.Request, file string, err error)) *server.Server {
	return &server.Server{Apps: map[string]*server.App{"*": {Files: &server.Files{Dir: dir, Record: server.RecordAll, Done: done}}}}
}

func main() {
	rtmp := flag.String("rtmp", ":1935", "address for RTMP")
	rtmps := flag.String("rtmps", ":443", "address for RTMPS, with -cert and -key")
	tunnel := flag.String("rtmpt", ":8080", "address for RTMPT")
	cert := flag.String("cert", "", "certificate file")
	key := flag.String("key", "", "key file of the certificate")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	srv := newServer(flag.Arg(0), func(r *server.Request, file string, err error) { log.Print(r.Path, " is in ", file, ": ", err) })
	srv.Addr = *rtmp
	failed := make(chan error)
	go func() { failed <- srv.ListenAndServe() }()
	go func() { failed <- http.ListenAndServe(*tunnel, srv.TunnelHandler()) }()
	if *cert != "" {
		l, err := net.Listen("tcp", *rtmps)
		if err != nil {
			log.Fatal(err)
		}
		go func() { failed <- srv.ServeTLS(l, *cert, *key) }()
	}
	if err := <-failed; !errors.Is(err, server.ErrServerClosed) {
		log.Fatal(err)
	}
}
