package download_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/download"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/server"
	"github.com/go-librtmp/rtmp/server/servertest"
)

// newServer starts a server with the recording vod/film, which is ten seconds of fake pictures. A program downloads from a real server.
func newServer() (srv *servertest.Server, remove func()) {
	metadata, err := flv.AppendScript(nil, "onMetaData", amf.ECMAArray{{Name: "duration", Value: 10.0}})
	if err != nil {
		log.Fatal(err)
	}
	file := flv.AppendFileHeader(nil, flv.FileHeader{HasVideo: true})
	file = flv.AppendTag(file, flv.Tag{Type: flv.TagScript, Body: metadata})
	for n := range 250 {
		body := make([]byte, 1000)
		body[0], body[1], body[2] = 0x22, byte(n), byte(n>>8) // Sorenson H.263
		if n%25 == 0 {
			body[0] = 0x12 // a key frame
		}
		file = flv.AppendTag(file, flv.Tag{Type: flv.TagVideo, Timestamp: uint32(40 * n), Body: body})
	}
	dir, err := os.MkdirTemp("", "example")
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, "vod"), 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "vod", "film.flv"), file, 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
	srv = servertest.NewServer(&server.App{Files: &server.Files{Dir: dir, AsFast: true}})
	return srv, func() { srv.Close(); os.RemoveAll(dir) }
}

// Continue a download that was cut off, even if the connection is lost again.
func ExampleFile() {
	srv, remove := newServer()
	defer remove()
	path := filepath.Join(os.TempDir(), "film.flv")
	defer os.Remove(path)
	ctx := context.Background()

	srv.CutAfter(100_000) // bytes: the network fails
	result, err := download.File(ctx, srv.URL("vod/film"), path, nil)
	fmt.Println(result.Outcome, errors.Is(err, io.ErrUnexpectedEOF))

	srv.CutAfter(100_000)
	result, err = download.File(ctx, srv.URL("vod/film"), path, &download.Options{Resume: true, Recover: &download.Recovery{}})
	fmt.Println(result.Outcome, err, len(result.Gaps), "gaps,", result.Sessions, "connections")
	// Output:
	// server-closed-early true
	// complete <nil> 0 gaps, 2 connections
}

// Write a stream to any io.Writer, and reconnect if the connection is lost.
func ExampleTo_recovery() {
	srv, remove := newServer()
	defer remove()
	srv.CutAfter(100_000) // bytes: the network fails

	result, err := download.To(context.Background(), srv.URL("vod/film"), io.Discard, &download.Options{
		Recover: &download.Recovery{Attempts: 3},
	})
	fmt.Println(result.Outcome, err, result.Sessions, "connections")
	// Output: complete <nil> 2 connections
}

// Display the progress of a download.
func ExampleOptions_progress() {
	srv, remove := newServer()
	defer remove()

	seconds := 0
	result, err := download.To(context.Background(), srv.URL("vod/film"), io.Discard, &download.Options{
		Progress: func(p *download.Progress) {
			if p.Phase == download.Receiving && p.Duration > 0 {
				seconds = int(p.Position.Seconds()) // fmt.Printf("\r%d %%", 100*p.Position/p.Duration)
			}
		},
	})
	fmt.Println(result.Outcome, err, seconds <= 10)
	// Output: complete <nil> true
}
