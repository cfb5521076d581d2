// Command relay plays one stream and publishes it to several servers.
//
//	go run ./examples/relay [-timeout D] [-no-enhanced] SOURCE-URL TARGET-URL...
//
// Each side reconnects when its connection is lost, with growing pauses. A target then first receives the metadata and the codec headers,
// and the stream from a key frame on. A slow target misses pictures and does not delay the others. Interrupt the program to end it, and a
// second time not to wait until slow targets have read everything.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/relay"
)

func main() {
	var options rtmp.Options
	flag.DurationVar(&options.Timeout, "timeout", 30*time.Second, "give up a connection after this long without a byte or an answer")
	flag.BoolVar(&options.NoEnhanced, "no-enhanced", false, "do not announce Enhanced RTMP, which breaks some servers")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: relay [-timeout D] [-no-enhanced] SOURCE-URL TARGET-URL...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() < 2 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once: closing waits for targets that read slowly
	log.SetFlags(log.Ltime)
	if err := run(ctx, flag.Arg(0), flag.Args()[1:], options); ctx.Err() == nil {
		log.Fatal("relay: ", err)
	}
}

func run(ctx context.Context, source string, urls []string, options rtmp.Options) error {
	var targets []*relay.Publisher
	for i, url := range urls { // numbered, since URLs without their secrets may look alike
		told := func(e relay.Event) { log.Printf("target %d, %v", i+1, e) }
		targets = append(targets, &relay.Publisher{URLs: []string{url}, Options: &options, OnEvent: told})
	}
	told := func(e relay.Event) { log.Print(e) }
	return relay.Run(ctx, &relay.Player{URL: source, Options: &options, OnEvent: told}, targets...)
}
