// Command rtmpserver is an RTMP server. It relays live streams from publishers to any number of players, records and plays files, shows
// streams in the browser, asks other programs for permission through hooks, and fetches streams from other servers or publishes to them.
//
//	rtmpserver
//	rtmpserver --http :8080 -r recordings -k
//	rtmpserver --pull rtmp://origin.example/live/
//
// See --help for the options, the files and the signals.
package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"golang.org/x/term"

	"github.com/go-librtmp/rtmp/cmd/internal/version"
)

// Exit codes.
const (
	exitSuccess = 0
	exitFailed  = 1
	exitUsage   = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run runs the command and returns the exit code.
func run(args []string, stdout io.Writer, stderr *os.File) int {
	s, err := parse(args)
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "rtmpserver: %s\nSee rtmpserver --help.\n", err)
		return exitUsage
	case s.help:
		_, err = io.WriteString(stdout, help())
	case s.version:
		_, err = fmt.Fprintln(stdout, "rtmpserver of go-librtmp", version.Version())
	default:
		return s.run(stdout, stderr)
	}
	if err != nil {
		fmt.Fprintf(stderr, "rtmpserver: %s\n", err)
		return exitFailed
	}
	return exitSuccess
}

// run runs the server until it ends, and returns the exit code.
func (s *settings) run(stdout io.Writer, stderr *os.File) int {
	logger := s.logger(stderr)
	slog.SetDefault(logger)
	slog.SetLogLoggerLevel(slog.LevelDebug) // net/http logs what other servers send unasked
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // most memory belongs to clients, and the garbage collector has little work; this saves a sixth of the memory
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := s.serve(stdout, logger, signals); err != nil {
		logger.Error("rtmpserver failed", "error", err)
		return exitFailed
	}
	return exitSuccess
}

// serve runs the server until a signal or an error ends it.
func (s *settings) serve(stdout io.Writer, logger *slog.Logger, signals <-chan os.Signal) error {
	c, err := newCertificate(s.tlsCert, s.tlsKey)
	if err != nil {
		return err
	}
	if s.tunnel != "" {
		return s.forward(stdout, c, logger, signals)
	}
	d, err := newDaemon(s, c, logger)
	if err != nil {
		return err
	}
	if err := d.listen(); err != nil {
		d.close()
		return err
	}
	s.printURLs(stdout, d)
	return d.run(signals)
}

// logger returns the logger that --log selects; by default it writes text to a terminal, and JSON elsewhere.
func (s *settings) logger(stderr *os.File) *slog.Logger {
	o := &slog.HandlerOptions{Level: s.logLevel(), ReplaceAttr: redact}
	if s.log == "text" || s.log == "auto" && term.IsTerminal(int(stderr.Fd())) {
		return slog.New(slog.NewTextHandler(stderr, o))
	}
	return slog.New(slog.NewJSONHandler(stderr, o))
}

// redact removes the names of streams, since anyone who knows a name may publish the stream, and formats addresses.
func redact(_ []string, a slog.Attr) slog.Attr {
	if a.Key == "stream" && a.Value.Kind() == slog.KindString {
		return slog.Attr{}
	}
	if addr, ok := a.Value.Any().(net.Addr); ok {
		a.Value = slog.StringValue(addr.String())
	}
	return a
}
