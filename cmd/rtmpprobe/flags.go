package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/show"
)

type flags struct {
	sources []string // URLs and captures

	publish, live, insecure, noEnhanced bool
	watchFor, timeout                   time.Duration
	proxy, try                          string

	json, watch, dump, version       bool
	plot, flvFile, pcapFile, capture string
}

// The values of --try.
var tries = []string{"failed", "always", "never"}

func (f *flags) session(set *pflag.FlagSet) {
	set.BoolVar(&f.publish, "publish", false, "publish a sample of two seconds, repeatedly, instead of playing")
	set.DurationVar(&f.watchFor, "for", 10*time.Second, "how long to watch the stream")
	set.BoolVar(&f.live, "live", false, "ask for a live stream: send FCSubscribe, and play with start -1000")
	set.StringVar(&f.try, "try", "failed", "`when` to try other settings: failed, if playing or publishing fails, until one works; always, all of them; never")
}

func (f *flags) connection(set *pflag.FlagSet) {
	set.DurationVar(&f.timeout, "timeout", 10*time.Second, "how long to wait for each answer, and for connecting and the handshake together")
	set.StringVar(&f.proxy, "proxy", "", "connect through this proxy, a `URL`: socks4, socks4a, socks5, http or https; direct: none (default $ALL_PROXY)")
	set.BoolVar(&f.insecure, "insecure", false, "do not verify the server's certificate")
	set.BoolVar(&f.noEnhanced, "no-enhanced", false, "do not announce Enhanced RTMP")
}

func (f *flags) output(set *pflag.FlagSet) {
	set.BoolVar(&f.json, "json", false, "print the reports as JSON")
	set.BoolVar(&f.watch, "watch", false, "show the reports on the terminal, and update them")
	set.StringVar(&f.plot, "plot", "", "draw the bit rates to this `file`, .svg or .png")
	set.BoolVar(&f.dump, "dump", false, "print every message and its meaning")
	set.StringVar(&f.flvFile, "flv", "", "write the media to this `file`")
	set.StringVar(&f.capture, "capture", "", "record the session to this `file`, without its secrets, for a bug report")
	set.StringVar(&f.pcapFile, "pcap", "", "write a captured session to this `file` as packets, for Wireshark")
	set.BoolVar(&f.version, "version", false, "print the version")
}

func (f *flags) groups() []group {
	return []group{{"What to do", f.session}, {"Connection", f.connection}, {"Output", f.output}}
}

type group struct {
	title  string
	define func(*pflag.FlagSet)
}

func newFlagSet() *pflag.FlagSet {
	set := pflag.NewFlagSet("rtmpprobe", pflag.ContinueOnError)
	set.SortFlags = false
	set.Usage = func() {}
	return set
}

func parseFlags(args []string) (*flags, error) {
	f := &flags{}
	set := newFlagSet()
	for _, g := range f.groups() {
		g.define(set)
	}
	if err := set.Parse(args); err != nil {
		return nil, err
	}
	f.sources = set.Args()
	switch {
	case f.version:
	case len(f.sources) == 0:
		return nil, errors.New("no URL")
	case f.watchFor <= 0:
		return nil, errors.New("--for must be more than 0")
	case f.timeout <= 0:
		return nil, errors.New("--timeout must be more than 0")
	case !slices.Contains(tries, f.try):
		return nil, fmt.Errorf("--try must be one of %s", strings.Join(tries, ", "))
	case f.plot != "" && !show.Plottable(f.plot):
		return nil, errors.New("--plot must name a file that ends in .svg or .png")
	case f.watch && f.json, f.dump && f.json, f.dump && f.watch:
		return nil, errors.New("--watch, --dump and --json exclude each other")
	case len(f.sources) > 1 && (f.dump || f.flvFile != "" || f.capture != "" || f.pcapFile != ""):
		return nil, errors.New("--dump, --flv, --capture and --pcap need exactly one session")
	}
	for i, source := range f.sources {
		if isCapture(source) {
			if f.capture != "" || f.publish {
				return nil, errors.New("--capture and --publish are for URLs")
			}
			continue
		}
		if f.pcapFile != "" {
			return nil, errors.New("--pcap is for sessions that were captured: see --capture")
		}
		if _, err := rtmp.New(source, &rtmp.Options{Proxy: f.proxy}); err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return f, nil
}

func isCapture(source string) bool { return !strings.Contains(source, "://") }

func usage() string {
	var b strings.Builder
	b.WriteString(`NAME
    rtmpprobe - finds out what is wrong with an RTMP URL

SYNOPSIS
    rtmpprobe [options] URL...
    rtmpprobe [options] CAPTURE...

DESCRIPTION
    rtmpprobe connects to a server stage by stage, plays a stream or, with --publish, publishes one, and watches
    it for ten seconds. It reports how long each stage took, the format of the stream, how it arrives, and
    what is wrong and what to do about it. Several URLs are probed at the same time and compared. If playing or
    publishing fails, rtmpprobe tries other settings. It prints command lines of rtmpdump and ffmpeg, and the
    settings of OBS, for the settings that work.

    A URL is rtmp[s|e|t|ts|te]://[user:password@]host[:port]/app/stream. Options of librtmp may follow it in the
    same argument: "rtmp://host/app/stream swfUrl=http://... live=1".

    A CAPTURE is a file that rtmpprobe, rtmpdump or rtmpserver has recorded with --capture, or that tcpdump or
    Wireshark has captured (pcap, pcapng). Its sessions are analyzed like live ones. FILE#2 is the second session.

    --publish sends a sample. On many servers it replaces a stream that is being published with the same key,
    and the viewers of that stream see the sample.

    An interrupt ends the watching, and the report is printed. A second interrupt ends the program at once.

    Reports do not contain the stream's name, which is often a key, nor users, passwords and tokens.

`)
	for _, g := range (&flags{}).groups() {
		set := newFlagSet()
		g.define(set)
		b.WriteString(strings.ToUpper(g.title) + "\n" + set.FlagUsagesWrapped(110) + "\n")
	}
	b.WriteString(`EXIT STATUS
    0  no findings, or only notes
    1  warnings
    2  errors: the stream can't be played, published or decoded
    3  the command line is invalid, a file could not be read or written, or there was not enough media to --plot and no
       error that explains why

EXAMPLES
    rtmpprobe rtmp://example.com/live/camera
    rtmpprobe --publish rtmps://live.example.com/app/STREAM_KEY
    rtmpprobe --for 1m --plot rates.svg rtmp://a.example.com/live/x rtmp://b.example.com/live/x
    rtmpprobe --capture session.rtmpcap rtmp://example.com/live/camera
    rtmpprobe --dump --flv media.flv session.rtmpcap
    rtmpprobe --json --try never rtmp://example.com/live/camera | jq '.[0].findings'
`)
	return b.String()
}
