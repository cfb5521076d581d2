// Command publish sends an FLV file as a live stream, at the file's own speed.
//
//	go run ./examples/publish [-user NAME -password P] [-queue BYTES] [-timeout D] [-no-enhanced] FILE.flv URL
//
// The FILE - is standard input. The exit status is 0 only if everything that was not dropped has arrived.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
)

func main() {
	options := rtmp.Options{Publish: true}
	flag.StringVar(&options.PublishUser, "user", "", "user `name`, for servers that ask for one")
	flag.StringVar(&options.PublishPassword, "password", "", "password")
	queue := flag.Int("queue", 4<<20, "drop media when more than this many `bytes` are waiting to be sent; 0 means to wait")
	flag.DurationVar(&options.Timeout, "timeout", 30*time.Second, "give up after this long without an answer, or a write that does not end")
	flag.BoolVar(&options.NoEnhanced, "no-enhanced", false, "do not announce Enhanced RTMP, which breaks some servers")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: publish [options] FILE.flv URL")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	options.SendQueue = *queue
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once, also while it waits for standard input
	if err := publishFile(ctx, flag.Arg(0), flag.Arg(1), &options); err != nil {
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
	_, err = io.Copy(stream, flv.NewPacedReader(ctx, file, time.Second))
	if dropped := conn.Stats().DroppedMessages; dropped > 0 {
		fmt.Fprintln(os.Stderr, "dropped", dropped, "messages, since the network is slow")
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}
