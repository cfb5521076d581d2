package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	neturl "net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/download"
)

const (
	defaultTimeout = 30               // seconds
	defaultBuffer  = 10 * 3600 * 1000 // ms
	defaultSWFAge  = 30               // days
)

type complaint string

func (c complaint) Error() string { return string(c) }

type job struct {
	*flags
	console *console
	url     string // the URL, followed by options
	options download.Options
	toFile  bool
}

// newJob combines the options by RTMPDump's rules. Like RTMPDump, it logs and ignores most options that do not fit.
func newJob(o *flags, c *console) (*job, error) {
	j := &job{flags: o, console: c}
	if !o.timeout.isSet {
		o.timeout.n = defaultTimeout
	}
	if !o.buffer.isSet {
		o.buffer.n = defaultBuffer
	}
	j.checkNumbers()
	build := j.fromParts
	if o.url != "" {
		build = j.fromURL
	}
	if err := build(); err != nil {
		return nil, err
	}
	if err := j.checkConn(); err != nil {
		return nil, err
	}
	j.chooseOutput()
	if o.live && o.start.ms > 0 {
		c.log(levelWarning, "Can't seek in a live stream, ignoring --start option")
		o.start.ms = 0
	}
	r := j.options.RTMP
	r.Buffer = time.Duration(o.buffer.n) * time.Millisecond
	if r.Buffer == 0 {
		r.Buffer = 1 // 1 ns is sent as 0 ms; 0 would mean the default
	}
	r.MediaTimeout = time.Duration(max(0, o.mediaTimeout.n)) * time.Second
	r.Logger = c.logger()
	r.NoEnhanced = !o.enhanced
	r.Pipelining, j.options.NoPipelining = o.pipelining, o.pipelining == rtmp.PipelineNone
	j.options.KeepBuffer = o.buffer.isSet
	j.options.Resume, j.options.SkipKeyFrames = o.resume, o.skip.n
	j.options.Quirks = true
	if o.recovers {
		j.options.Recover = &download.Recovery{}
		if r.NoEnhanced { // also without --enhanced, servers that are restarted may ask to reconnect
			r.ConnectFields = amf.Object{{Name: "capsEx", Value: float64(rtmp.ExtReconnect)}}
		}
	}
	return j, nil
}

func (j *job) checkNumbers() {
	c := j.console
	if j.swfSize.isSet && j.swfSize.n <= 0 {
		c.log(levelError, "SWF Size must be at least 1, ignoring\n")
		j.swfSize.n = 0
	}
	if j.swfAge.isSet && j.swfAge.n < 0 {
		c.log(levelError, "SWF Age must be non-negative, ignoring\n")
		j.swfAge = cInt{}
	}
	if j.skip.n < 0 {
		c.log(levelError, "Number of keyframes skipped must be greater or equal zero, using zero!")
		j.skip.n = 0
	}
	if j.buffer.n < 0 {
		c.log(levelError, "Buffer time must be greater than zero, ignoring the specified value %d!", j.buffer.n)
		j.buffer = cInt{n: defaultBuffer}
	}
}

// chooseOutput sets the output, and turns resuming off with a message where it is impossible.
func (j *job) chooseOutput() {
	c := j.console
	if !j.set.Changed("flv") {
		c.log(levelWarning, "You haven't specified an output file (-o filename), using stdout")
		j.output = "-"
	}
	j.toFile = j.output != "-"
	if !j.toFile && j.resume {
		c.log(levelWarning, "Can't resume in stdout mode, ignoring --resume option")
		j.resume = false
	}
	if j.live && j.resume {
		c.log(levelWarning, "Can't resume live stream, ignoring --resume option")
		j.resume = false
	}
}

// fromURL handles -i, whose URL contains nearly all options. Few others apply.
func (j *job) fromURL() error {
	base, tail, found := strings.Cut(j.flags.url, " ")
	j.url = base + j.connOptions()
	if found {
		j.url += " " + tail
	}
	j.url += " buffer=" + strconv.Itoa(j.buffer.n)
	j.options.RTMP = &rtmp.Options{Token: j.token, Playlist: j.playlist, Start: milliseconds(j.start.ms), Proxy: j.proxy}
	j.options.Realtime = true
	if _, err := rtmp.New(j.url, j.options.RTMP); err != nil {
		return complaint(fmt.Sprintf("Couldn't parse URL: %s", err))
	}
	return nil
}

func milliseconds(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

var protocols = []string{"rtmp", "rtmpt", "rtmpe", "rtmpte", "rtmps", "rtmpts"}

// fromParts handles -r and the options that replace parts of its URL.
func (j *job) fromParts() error {
	o, c := j.flags, j.console
	scheme, port, user := "", 0, ""
	if o.rtmp != "" {
		u, err := rtmp.ParseURL(o.rtmp)
		if err != nil {
			c.log(levelWarning, "Couldn't parse the specified url: %s", err)
		} else {
			scheme, port = u.Scheme, int(u.EffectivePort())
			if u.User != "" {
				user = neturl.UserPassword(u.User, u.Password).String() + "@"
			}
			o.host = cmp.Or(o.host, u.Host)
			o.app = cmp.Or(o.app, u.App)
			o.playpath = cmp.Or(o.playpath, u.Playpath)
		}
	}
	if o.protocol.isSet {
		if o.protocol.n < 0 || o.protocol.n >= len(protocols) {
			return complaint(fmt.Sprintf("Unknown protocol specified: %d", o.protocol.n))
		}
		scheme = protocols[o.protocol.n]
	}
	switch {
	case o.host == "":
		return complaint(`You must specify a hostname (--host) or url (-r "rtmp://host[:port]/playpath") containing a hostname`)
	case o.playpath == "":
		return complaint(`You must specify a playpath (--playpath) or url (-r "rtmp://host[:port]/playpath") containing a playpath`)
	}
	if scheme == "" {
		c.log(levelWarning, "You haven't specified a protocol (--protocol) or rtmp url (-r), using default protocol RTMP")
		scheme = "rtmp"
	}
	if o.port.isSet {
		port = o.port.n
	} else if port == 0 {
		c.log(levelWarning, "You haven't specified a port (--port) or rtmp url (-r), using default port")
	}
	address, err := address(scheme, o.host, port)
	if err != nil {
		return err
	}
	j.url = strings.Replace(address, "//", "//"+user, 1) + j.connOptions()
	j.options.RTMP = j.sessionOptions()
	if j.options.RTMP.TCURL == "" {
		j.options.RTMP.TCURL = address + o.app
	}
	j.options.Realtime = o.realtime || strings.HasPrefix(scheme, "rtmpt")
	return nil
}

// address returns a URL without a path. Port 0 is the scheme's default.
func address(scheme, host string, port int) (string, error) {
	u, err := rtmp.ParseURL(scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port)) + "/")
	if err != nil {
		return "", err
	}
	return scheme + "://" + net.JoinHostPort(u.Host, strconv.Itoa(int(u.EffectivePort()))) + "/", nil
}

// sessionOptions returns the options that the URL of -i would contain.
func (j *job) sessionOptions() *rtmp.Options {
	o := j.flags
	r := &rtmp.Options{App: o.app, Playpath: o.playpath, TCURL: o.tcURL, PageURL: o.pageURL, SWFURL: o.swfURL, Auth: o.auth,
		FlashVer: o.flashVer, Subscribe: o.subscribe, Token: o.token, UsherToken: o.usherToken, Live: o.live,
		Playlist: o.playlist, Start: milliseconds(o.start.ms), Stop: milliseconds(o.stop.ms), Proxy: o.proxy,
		Timeout: time.Duration(o.timeout.n) * time.Second}
	if o.timeout.n <= 0 {
		r.Timeout = -1
	}
	if o.live {
		r.Start = 0
	}
	if o.socks != "" {
		r.Proxy = "socks4://" + o.socks
	}
	j.verification(r)
	return r
}

func (j *job) verification(r *rtmp.Options) {
	c := j.console
	if j.swfVfy != "" {
		r.SWFURL, r.SWFVerify = j.swfVfy, true
		if j.swfAge.isSet {
			r.SWFAge = time.Duration(j.swfAge.n) * 24 * time.Hour
			if j.swfAge.n == 0 {
				r.SWFAge = -1
			}
		}
		return
	}
	var hash []byte
	if j.swfHash != "" {
		var err error
		if hash, err = hex.DecodeString(j.swfHash); err != nil || len(hash) != 32 {
			c.log(levelWarning, "Couldn't parse swf hash hex string, not hexstring or not 32 bytes, ignoring!")
			hash = nil
		}
	}
	switch {
	case hash != nil && j.swfSize.n > 0:
		r.SWFHash, r.SWFSize = hash, uint32(j.swfSize.n)
	case hash != nil || j.swfHash != "" && j.swfSize.n == 0:
		c.log(levelWarning, "Ignoring SWF hash, supply also the swf size  with --swfsize")
	case j.swfSize.n > 0:
		c.log(levelWarning, "Ignoring SWF size, supply also the hash with --swfhash")
	}
}

func (j *job) connOptions() string {
	var b strings.Builder
	for _, item := range j.conn {
		b.WriteString(" conn=" + strings.NewReplacer(`\`, `\5c`, " ", `\20`).Replace(item))
	}
	return b.String()
}

func (j *job) checkConn() error {
	conn, err := rtmp.New("rtmp://host/", nil)
	if err != nil {
		return err
	}
	for i, item := range j.conn {
		if err := conn.SetOption("conn", item); err != nil {
			return complaint(fmt.Sprintf("Invalid AMF parameter: number %d: %s", i+1, errors.Unwrap(err)))
		}
	}
	return nil
}

func (j *job) run(ctx context.Context, stdout io.Writer) int {
	if j.capture != "" {
		file, err := os.OpenFile(j.capture, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			j.console.log(levelError, "Couldn't write the capture: %s", err)
			return exitFailed
		}
		defer file.Close()
		j.options.RTMP.Capture = file
	}
	p := newReporter(j)
	j.options.Progress = p.progress
	var result download.Result
	var err error
	if j.toFile {
		result, err = download.File(ctx, j.url, j.output, &j.options)
	} else {
		result, err = download.To(ctx, j.url, stdout, &j.options)
	}
	code := p.finish(ctx, &result, err)
	if j.json {
		out := stdout
		if !j.toFile {
			out = j.console.out
		}
		if err := writeSummary(out, j, &result, code, err); err != nil {
			j.console.log(levelError, "Couldn't write the summary: %s", err)
			return exitFailed
		}
	}
	return code
}
