package rtmp_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
	"github.com/go-librtmp/rtmp/server/servertest"
)

// recording returns an FLV file of ten seconds, with a key frame each second, for the examples to play and publish.
func recording() []byte {
	var file bytes.Buffer
	w := flv.NewWriter(&file)
	if err := w.WriteHeader(flv.FileHeader{HasVideo: true}); err != nil {
		log.Fatal(err)
	}
	for second := range uint32(10) {
		frame := flv.Tag{Type: flv.TagVideo, Timestamp: 1000 * second, Body: []byte{0x12, byte(second)}} // a key frame of Sorenson H.263
		if err := w.WriteTag(frame); err != nil {
			log.Fatal(err)
		}
	}
	return file.Bytes()
}

// recordings starts a server that plays recording as vod/sample.
func recordings() (srv *servertest.Server, stop func()) {
	dir, err := os.MkdirTemp("", "rtmp")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "vod"), 0o700); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "vod", "sample.flv"), recording(), 0o600); err != nil {
		log.Fatal(err)
	}
	srv = servertest.NewServer(&server.App{Files: &server.Files{Dir: dir, AsFast: true}})
	return srv, func() {
		srv.Close()
		os.RemoveAll(dir)
	}
}

func ExampleDial() {
	srv, stop := recordings() // for this example; a program connects to a real URL
	defer stop()
	ctx := context.Background()

	conn, err := rtmp.Dial(ctx, srv.URL("vod/sample"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer // usually an os.File
	n, err := io.Copy(&file, stream)
	fmt.Println(n, "bytes,", err)
	// Output: 183 bytes, <nil>
}

func ExampleStream_ReadFrom() {
	srv := servertest.NewServer(nil)
	defer srv.Close()
	ctx := context.Background()

	conn, err := rtmp.Dial(ctx, srv.URL("live/mine"), &rtmp.Options{Publish: true})
	if err != nil {
		log.Fatal(err)
	}
	stream, err := conn.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
	if err != nil {
		log.Fatal(err)
	}
	file := bytes.NewReader(recording())                                                      // usually an os.File
	if _, err := io.Copy(stream, flv.NewPacedReader(ctx, file, 20*time.Second)); err != nil { // 20 seconds ahead of real time
		log.Fatal(err)
	}
	if err := conn.Close(); err != nil { // Close waits until the server has read everything
		log.Fatal(err)
	}
	fmt.Println(len(srv.Published("live/mine")), "tags")
	// Output: 10 tags
}

func ExampleStream_ReadPacket() {
	srv, stop := recordings()
	defer stop()
	ctx := context.Background()

	conn, err := rtmp.Dial(ctx, srv.URL("vod/sample"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	pictures := 0
	var p rtmp.Packet // the memory of Body is reused
	for err = stream.ReadPacket(&p); err == nil; err = stream.ReadPacket(&p) {
		if p.Type == message.TypeVideo {
			pictures++
		}
	}
	fmt.Println(pictures, "pictures,", err)
	// Output: 10 pictures, EOF
}

func ExampleStream_Seek() {
	srv, stop := recordings()
	defer stop()
	ctx := context.Background()

	conn, err := rtmp.Dial(ctx, srv.URL("vod/sample"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := stream.Seek(ctx, 7*time.Second); err != nil {
		log.Fatal(err)
	}
	var p rtmp.Packet
	for p.Type != message.TypeVideo {
		if err := stream.ReadPacket(&p); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(time.Duration(p.Timestamp) * time.Millisecond)
	// Output: 7s
}

func ExampleStream_Pause() {
	srv, stop := recordings()
	defer stop()
	ctx := context.Background()

	conn, err := rtmp.Dial(ctx, srv.URL("vod/sample"), &rtmp.Options{BackgroundRead: true})
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := stream.Pause(ctx); err != nil {
		log.Fatal(err)
	}
	// The server now sends nothing.
	if err := stream.Unpause(ctx); err != nil {
		log.Fatal(err)
	}
	_, err = io.Copy(io.Discard, stream)
	fmt.Println("the end:", err)
	// Output: the end: <nil>
}

// End an io.Copy when a context is done.
func ExampleStream_Bind() {
	srv := servertest.NewServer(nil)
	defer srv.Close()

	conn, err := rtmp.Dial(context.Background(), srv.URL("live/nothing"), &rtmp.Options{Live: true})
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	stream, err := conn.CreateStream(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	defer stream.Bind(ctx)()
	_, err = io.Copy(io.Discard, stream) // no media comes
	fmt.Println(err)
	// Output: rtmp: read: context deadline exceeded
}

// Keep a connection alive in a program that has nothing to read. Options.BackgroundRead does the same.
func ExampleConn_ProcessPackets() {
	srv := servertest.NewServer(nil)
	defer srv.Close()
	ctx, cancel := context.WithCancel(context.Background())

	conn, err := rtmp.Dial(ctx, srv.URL("app"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	done := make(chan error)
	go func() { done <- conn.ProcessPackets(ctx) }() // ProcessPackets answers pings and runs handlers
	cancel()
	fmt.Println(<-done)
	// Output: rtmp: process packets: context canceled
}

func ExampleConn_Capabilities() {
	srv := servertest.NewServer(nil)
	defer srv.Close()

	conn, err := rtmp.Dial(context.Background(), srv.URL("live/stream"), &rtmp.Options{Publish: true})
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	can := conn.Capabilities().VideoSupport(flv.FourCCHEVC)
	fmt.Println("accepts HEVC:", can&rtmp.CanForward != 0)
	// Output: accepts HEVC: true
}

// Connect to a server whose certificate is not in the system's pool.
func ExampleOptions_tls() {
	srv := servertest.NewServer(nil)
	defer srv.Close()

	conn, err := rtmp.Dial(context.Background(), srv.TLSURL("live/stream"), &rtmp.Options{
		TLSConfig: srv.ClientTLS(), // usually &tls.Config{RootCAs: pool}
	})
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Println(conn.Connected())
	// Output: true
}
