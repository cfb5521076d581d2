// Command server is a small RTMP server, meant to be read. It serves live streams with secret keys and public names, records them, and
// serves the FLV files in a folder.
//
//	go run ./examples/server flvs
//	ffmpeg -re -i film.mp4 -c copy -f flv rtmp://localhost/live/secret
//	ffplay rtmp://localhost/live/alice       (after the broadcast it plays the recording, flvs/live/alice.flv)
//	ffplay rtmp://localhost/vod/film         (flvs/vod/film.flv)
package main

import (
	"context"
	"errors"
	"log"
	"net"
	"os"
	"os/signal"

	"github.com/go-librtmp/rtmp/server"
)

var users = map[string]string{"secret": "alice"} // publishers by key

func newServer(dir string) *server.Server {
	return &server.Server{Apps: map[string]*server.App{
		"live": {Files: &server.Files{Dir: dir, Record: server.RecordAll}, Publish: func(_ context.Context, r *server.Request) error {
			user, ok := users[r.Name]
			if !ok {
				return server.Deny("unknown stream key")
			}
			r.Path = "live/" + user
			return nil
		}},
		"vod": {Files: &server.Files{Dir: dir, Record: server.RecordNone}},
	}}
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: server DIR\nServes live streams, and the FLV files in DIR/vod, on port 1935.")
	}
	srv := newServer(os.Args[1])
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, func() { srv.Close() })
	l, err := net.Listen("tcp", ":1935")
	if err != nil {
		log.Fatal(err)
	}
	log.Print("listening on ", l.Addr())
	err = srv.Serve(l)
	srv.Close() // Close returns when the recordings are complete
	if !errors.Is(err, server.ErrServerClosed) {
		log.Fatal(err)
	}
}
