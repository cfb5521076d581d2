// Command relay plays one stream and publishes it at several places.
//
//	go run ./examples/relay SOURCE-URL TARGET-URL...
//
// Each side is connected anew when it is lost, with growing pauses. A target that comes back gets the metadata and the codec
// headers first, and then the stream from a key frame on; one that is slow misses pictures and holds up nobody.
// Interrupt it to end it.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: relay SOURCE-URL TARGET-URL...")
		os.Exit(2)
	}
	log.SetFlags(log.Ltime)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run(ctx, os.Args[1], os.Args[2:])
}

func run(ctx context.Context, source string, urls []string) {
	var targets []*target
	var running sync.WaitGroup
	for _, url := range urls {
		t := &target{url: url}
		targets = append(targets, t)
		running.Go(func() { again(ctx, url, t.connect) })
	}
	var clock clock
	running.Go(func() {
		again(ctx, source, func(ctx context.Context) (lived bool, err error) { return pull(ctx, source, &clock, targets) })
	})
	running.Wait()
}

// again repeats f until ctx ends. The pause between two tries doubles, up to half a minute, until one has lived.
func again(ctx context.Context, what string, f func(context.Context) (lived bool, err error)) {
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
		log.Printf("%s: %v; again in %s", what, err, pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		pause = min(2*pause, longest)
	}
}

// pull plays the source and gives its packets to all targets, until it ends.
func pull(ctx context.Context, url string, clock *clock, targets []*target) (lived bool, err error) {
	conn, err := rtmp.Dial(ctx, url, &rtmp.Options{Live: true})
	if err != nil {
		return false, err
	}
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, nil)
	if err != nil {
		return false, err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	log.Printf("%s: playing", url)
	clock.restart()
	var p rtmp.Packet
	for {
		if err := stream.ReadPacket(&p); err != nil {
			return lived, err
		}
		lived = true
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
