// Command server is a small RTMP server for reading: live streams with secret keys and public names, and the FLV files of a folder.
//
//	go run ./examples/server flvs
//	ffmpeg -re -i film.mp4 -c copy -f flv rtmp://localhost/live/secret
//	ffplay rtmp://localhost/live/alice
//	ffplay rtmp://localhost/vod/film         (flvs/vod/film.flv)
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/go-librtmp/rtmp/server"
)

// users are those who may publish, by their keys.
var users = map[string]string{"secret": "alice"}

func main() {
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), "usage: server DIR\nServes live streams, and the FLV files in DIR/vod, on port 1935.\n")
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	srv := &server.Server{Apps: map[string]*server.App{
		"live": {Publish: func(ctx context.Context, r *server.Request) error {
			user, ok := users[r.Name]
			if !ok {
				return server.Deny("unknown stream key")
			}
			r.Path = "live/" + user
			return nil
		}},
		"vod": {Files: &server.Files{Dir: flag.Arg(0), Record: server.RecordNone}},
	}}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		srv.Shutdown(grace)
	}()
	if err := srv.ListenAndServe(); !errors.Is(err, server.ErrServerClosed) {
		log.Fatal(err)
	}
	<-done
}
