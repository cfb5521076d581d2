// Command rtmpdump saves RTMP streams as FLV. It replaces RTMPDump 2.4, with the same options, exit codes, progress lines and files.
//
//	rtmpdump -r rtmp://example.com/vod/film -o film.flv
//	rtmpdump -r rtmp://example.com/vod/film -o film.flv --resume
//	rtmpdump -r rtmp://example.com/live/camera --live -o - | ffmpeg -i - camera.mp4
//
// See --help for the options. A signal ends the download with whole tags; another one, at least a second later, ends the program at once.
//
// The exit status is 0 when the stream is complete, 1 when something failed, 2 when the stream is incomplete
// and can be resumed, 3 when there was no connection. As in RTMPDump, a stream whose last packet begins before 99.9 % of its duration is
// called incomplete, and a live stream complete when its server dies; but one that --recover has continued after a gap is incomplete. With
// --json, the exit status of a recording is 0 if and only if it is complete.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/go-librtmp/rtmp/cmd/internal/version"
)

// RTMPDump's exit codes.
const (
	exitSuccess    = 0
	exitFailed     = 1
	exitIncomplete = 2 // resuming may help
	exitNoConnect  = 3
)

func main() {
	log.SetOutput(io.Discard) // net/http logs what servers of tunnels send unasked
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, term.IsTerminal(int(os.Stderr.Fd()))))
}

// run runs the command. The stream and the summary go to stdout, everything else to stderr.
func run(args []string, stdout, stderr io.Writer, terminal bool) int {
	c := &console{out: stderr, level: levelInfo, terminal: terminal}
	for _, arg := range args { // checked first, even if it is the value of another option
		if arg == "-q" || arg == "--quiet" {
			c.level = levelCritical
		}
	}
	c.print("RTMPDump v2.4\n(go-librtmp: the same command in Go, without librtmp)\n")
	o, err := parseFlags(args, c)
	switch {
	case err != nil:
		c.print("%s\nSee rtmpdump --help for the options.\n", err)
		return exitFailed
	case o.help:
		c.print("\n%s", usage())
		return exitSuccess
	case o.version:
		if _, err := fmt.Fprintf(stdout, "rtmpdump of go-librtmp %s, compatible with RTMPDump 2.4\n", version.Version()); err != nil {
			c.log(levelError, "%s", err)
			return exitFailed
		}
		return exitSuccess
	}
	j, err := newJob(o, c)
	if err != nil {
		c.log(levelError, "%s", err)
		return exitFailed
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c.onBrokenPipe = cancel // as RTMPDump does: our parent may have died and restarted with the same file
	defer catchSignals(c, cancel)()
	return j.run(ctx, stdout)
}

// again is how long further signals are ignored after the first: timeout(1), for example, sends its signal twice.
const again = time.Second

// catchSignals makes the first signal end the download, and a later one the program, in case nobody reads standard output. It also ignores
// SIGPIPE, so that a write to a closed pipe returns an error.
func catchSignals(c *console, cancel func()) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		select {
		case s := <-signals:
			c.log(levelError, "Caught signal: %s, cleaning up, just a second...", strings.ToLower(s.String()))
			cancel()
		case <-done:
			return
		}
		select {
		case <-time.After(again):
			signal.Stop(signals)
		case <-done:
		}
	}()
	return func() {
		signal.Stop(signals)
		signal.Stop(pipe)
		close(done)
	}
}
