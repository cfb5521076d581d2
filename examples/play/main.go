// Command play saves an RTMP stream as an FLV file.
//
//	go run ./examples/play [-o FILE] [-live] [-timeout D] [-no-enhanced] [-pipelining P] URL
//
// The FILE - is standard output. FILE is created when the stream begins. After an interrupt it is still playable. The exit status is 0 only
// if the server has ended the stream.
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
	output := flag.String("o", "play.flv", "output `file`, - for standard output")
	live := flag.Bool("live", false, "play a live stream")
	timeout := flag.Duration("timeout", 30*time.Second, "give up after this long without a byte")
	plain := flag.Bool("no-enhanced", false, "do not announce Enhanced RTMP, which breaks some servers")
	pipelining := rtmp.PipelineCommands
	flag.TextVar(&pipelining, "pipelining", pipelining, "what to pipeline while connecting: none, `commands` or handshake")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: play [options] URL")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once, also while a full pipe takes no more
	options := &rtmp.Options{Live: *live, Timeout: *timeout, NoEnhanced: *plain, Pipelining: pipelining}
	if !*live {
		options.Buffer = 10 * time.Hour // ask for everything at once, even if the timestamps of a recording begin late or jump
	}
	err := run(ctx, flag.Arg(0), *output, options)
	if err != nil {
		fmt.Fprintln(os.Stderr, "play:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, url, output string, options *rtmp.Options) error {
	if output == "-" {
		return play(ctx, url, os.Stdout, options)
	}
	out := &file{name: output}
	err := play(ctx, url, out, options)
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	return err
}

// file is created by the first Write, so that a missing stream does not overwrite an existing file.
type file struct {
	name string
	f    *os.File
}

func (o *file) Write(b []byte) (n int, err error) {
	if o.f == nil {
		if o.f, err = os.Create(o.name); err != nil {
			return 0, err
		}
	}
	return o.f.Write(b)
}

func (o *file) Close() error {
	if o.f == nil {
		return nil
	}
	return o.f.Close()
}

func play(ctx context.Context, url string, out io.Writer, options *rtmp.Options) error {
	conn, err := rtmp.Dial(ctx, url, options)
	if err != nil {
		return err
	}
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, nil)
	if err != nil {
		return err
	}
	// After an interrupt a deadline ends the read, so that what has arrived is written as whole tags.
	defer context.AfterFunc(ctx, func() { stream.SetReadDeadline(time.Now()) })()

	progress := &meter{total: stream.Duration}
	_, err = io.Copy(io.MultiWriter(out, progress), stream)
	fmt.Fprintln(os.Stderr, "received", progress.info.String())
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}

// meter reads the FLV that is written to it, and prints every few seconds how far the stream has come.
type meter struct {
	total   func() time.Duration // 0 if unknown, as for a live stream
	info    flv.Info
	parser  flv.Parser
	printed time.Time
}

func (m *meter) Write(b []byte) (int, error) {
	for rest := b; ; {
		var tag flv.Tag
		n, ok, err := m.parser.Parse(rest, &tag)
		if err != nil {
			return 0, err
		}
		if rest = rest[n:]; !ok {
			break
		}
		m.info.Add(tag)
	}
	if time.Since(m.printed) >= 2*time.Second {
		m.printed = time.Now()
		text := max(m.info.Video.Last, m.info.Audio.Last).String()
		if total := m.total(); total > 0 {
			text += " of " + total.String()
		}
		fmt.Fprintln(os.Stderr, text)
	}
	return len(b), nil
}
