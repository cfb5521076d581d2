// Command relay plays one stream and publishes it at several places.
//
//	go run ./examples/relay [-timeout D] [-no-enhanced] SOURCE-URL TARGET-URL...
//
// Each side is connected anew when it is lost, with growing pauses. A target that comes back gets the metadata and the codec
// headers first, and then the stream from a key frame on; one that is slow misses pictures and holds up nobody.
// Interrupt it to end it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/message"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

func main() {
	var options rtmp.Options
	flag.DurationVar(&options.Timeout, "timeout", 30*time.Second, "give a side up after this long without a byte or an answer")
	flag.BoolVar(&options.NoEnhanced, "no-enhanced", false, "announce nothing of Enhanced RTMP, on which some servers break")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: relay [-timeout D] [-no-enhanced] SOURCE-URL TARGET-URL...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() < 2 {
		flag.Usage()
		os.Exit(2)
	}
	if err := check(flag.Args(), options); err != nil {
		fmt.Fprintln(os.Stderr, "relay:", err)
		os.Exit(2)
	}
	log.SetFlags(log.Ltime)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run(ctx, flag.Arg(0), flag.Args()[1:], options)
}

// check tells before anything is tried what can never work.
func check(urls []string, options rtmp.Options) error {
	for _, url := range urls {
		if strings.HasPrefix(url, "-") {
			return errors.New("options must precede the URLs")
		}
		if _, err := rtmp.New(url, &options); err != nil {
			return err
		}
	}
	return nil
}

func run(ctx context.Context, source string, urls []string, options rtmp.Options) {
	var targets []*target
	var running sync.WaitGroup
	for i, url := range urls {
		t := &target{name: fmt.Sprintf("target %d, %s", i+1, rtmpurl.Redact(url)), url: url, options: options}
		targets = append(targets, t)
		running.Go(func() { again(ctx, t.name, t.connect) })
	}
	var clock clock
	running.Go(func() {
		again(ctx, rtmpurl.Redact(source), func(ctx context.Context) (lived bool, err error) { return pull(ctx, source, options, &clock, targets) })
	})
	running.Wait()
}

// again repeats f until ctx ends. The pause between two tries doubles, up to half a minute, until one has lived. name says in
// the log what it is about.
func again(ctx context.Context, name string, f func(context.Context) (lived bool, err error)) {
	const shortest, longest = time.Second / 2, 30 * time.Second
	pause := shortest
	for {
		lived, err := f(ctx)
		if ctx.Err() != nil {
			return
		}
		if lived {
			pause = shortest
		}
		log.Printf("%s: %v; again in %s", name, err, pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		pause = min(2*pause, longest)
	}
}

// pull plays the source and gives its packets to all targets, until it ends. It has lived when there was sound or a picture:
// servers send data such as |RtmpSampleAccess also while nobody publishes.
func pull(ctx context.Context, url string, options rtmp.Options, clock *clock, targets []*target) (lived bool, err error) {
	options.Live = true
	conn, err := rtmp.Dial(ctx, url, &options)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, nil)
	if err != nil {
		return false, err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	log.Printf("%s: playing", rtmpurl.Redact(url))
	clock.restart()
	var p rtmp.Packet
	for {
		if err := stream.ReadPacket(&p); err != nil {
			return lived, err
		}
		lived = lived || p.Type == message.TypeAudio || p.Type == message.TypeVideo
		p.Timestamp = clock.at(p.Timestamp)
		for _, t := range targets {
			t.send(&p)
		}
	}
}

// clock makes one line of time out of those of several connections: each goes on where the one before ended.
type clock struct {
	last, shift uint32 // ms
	fresh       bool
}

func (c *clock) restart() { c.fresh = true }

func (c *clock) at(timestamp uint32) uint32 {
	if c.fresh {
		c.shift, c.fresh = c.last-timestamp, false
	}
	timestamp += c.shift
	if int32(timestamp-c.last) > 0 {
		c.last = timestamp
	}
	return timestamp
}
