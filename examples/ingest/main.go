// Command ingest records every stream that is published to it, by RTMP, RTMPT and, with a certificate, RTMPS. Each stream is recorded as
// DIR/app/name.flv or, if that exists, as name-2.flv and so on.
//
//	go run ./examples/ingest -cert cert.pem -key key.pem recordings
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

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
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: ingest [options] DIR")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	srv := newServer(flag.Arg(0), logRecording)
	failed := make(chan error, 3)
	serve := func(protocol, address string, with func(net.Listener) error) {
		l, err := net.Listen("tcp", address)
		if err != nil {
			log.Fatal(err)
		}
		log.Printf("listening on %s for %s", l.Addr(), protocol)
		go func() { failed <- with(l) }()
	}
	serve("RTMP", *rtmp, srv.Serve)
	serve("RTMPT", *tunnel, func(l net.Listener) error { return http.Serve(l, srv.TunnelHandler()) })
	if *cert != "" {
		serve("RTMPS", *rtmps, func(l net.Listener) error { return srv.ServeTLS(l, *cert, *key) })
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	select {
	case err := <-failed:
		srv.Close() // completes the recordings
		log.Fatal(err)
	case <-ctx.Done():
	}
	stop() // a second signal ends the program at once
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	srv.Shutdown(ctx) // gives the clients time to leave, completes the recordings, and waits for Done
}

func logRecording(r *server.Request, file string, err error) {
	if err != nil {
		log.Printf("recording of %s failed: %v", r.Path, err)
	} else {
		log.Printf("%s is in %s", r.Path, file)
	}
}
