// Command publish sends an FLV file as a live stream, at the file's own speed.
//
//	go run ./examples/publish                                publishes the bundled sample to its own server, and plays it
//	go run ./examples/publish [-user NAME -password P] [-timeout D] [-no-enhanced] FILE.flv URL   publishes to any server; - is standard input
//
// Without arguments it checks that a player receives exactly what was sent. The exit status is 0 only if everything has succeeded.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/examples/internal/progress"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

func main() {
	options := rtmp.Options{Publish: true}
	flag.StringVar(&options.PublishUser, "user", "", "user `name`, for servers that ask for one")
	flag.StringVar(&options.PublishPassword, "password", "", "password")
	queue := flag.Int("queue", 4<<20, "drop media when more than this many `bytes` are waiting to be sent; 0 means to wait")
	flag.DurationVar(&options.Timeout, "timeout", 30*time.Second, "give up after this long without an answer, or a write that does not end")
	flag.BoolVar(&options.NoEnhanced, "no-enhanced", false, "do not announce Enhanced RTMP, which breaks some servers")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: publish [options] [FILE.flv URL]\n"+
			"Sends an FLV file as a live stream. Without arguments it sends a sample to itself.")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 0 && flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	options.SendQueue = *queue
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if flag.NArg() == 0 {
		err = roundTrip(ctx, &options)
	} else {
		err = publishFile(ctx, flag.Arg(0), flag.Arg(1), &options)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "publish:", err)
		os.Exit(1)
	}
}

func publishFile(ctx context.Context, name, url string, options *rtmp.Options) error {
	file := os.Stdin
	if name != "-" {
		var err error
		if file, err = os.Open(name); err != nil {
			return err
		}
		defer file.Close()
	}
	return publish(ctx, file, url, options)
}

// publish sends the file at its playback speed and closes the connection so that nothing is lost.
func publish(ctx context.Context, file io.Reader, url string, options *rtmp.Options) (err error) {
	conn, err := rtmp.Dial(ctx, url, options)
	if err != nil {
		return err
	}
	defer func() {
		if lost := conn.Close(); err == nil { // sends the rest, and reports whether everything has arrived
			err = lost
		}
	}()
	stream, err := conn.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
	if err != nil {
		return err
	}
	meter := progress.New(os.Stderr)
	meter.Extra = func() string {
		if dropped := conn.Stats().DroppedMessages; dropped > 0 {
			return fmt.Sprintf("  %d dropped", dropped)
		}
		return ""
	}
	_, err = io.Copy(stream, io.TeeReader(flv.NewPacedReader(ctx, file, time.Second), meter))
	meter.Finish()
	fmt.Fprintf(os.Stderr, "sent %s\n", meter.Info.String())
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}

// roundTrip publishes the sample to its own server while a player saves what the server relays.
func roundTrip(ctx context.Context, options *rtmp.Options) error {
	server, err := testserver.Start(testserver.Config{})
	if err != nil {
		return err
	}
	defer server.Close()
	url := server.URL("live", "sample")
	player, err := rtmp.Dial(ctx, url, &rtmp.Options{Live: true, Timeout: options.Timeout, NoEnhanced: options.NoEnhanced})
	if err != nil {
		return err
	}
	defer player.Close()
	stream, err := player.CreateStream(ctx, nil) // The player opens the stream before it is published.
	if err != nil {
		return err
	}
	var played bytes.Buffer
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(&played, stream)
		done <- err
	}()
	if err := publish(ctx, bytes.NewReader(testserver.Sample), url, options); err != nil {
		return err
	}
	if err := <-done; err != nil {
		return err
	}
	if !bytes.Equal(played.Bytes(), testserver.Sample) {
		return fmt.Errorf("what was played, %d bytes, is not what was sent, %d bytes", played.Len(), len(testserver.Sample))
	}
	fmt.Fprintf(os.Stderr, "played back: %d bytes, the same as were sent\n", played.Len())
	return nil
}
