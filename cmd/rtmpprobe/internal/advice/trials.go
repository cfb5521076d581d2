// Package advice finds settings that work with a difficult server, and translates them for other programs.
package advice

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/event"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/online"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/message"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

const (
	// trialTimeout bounds each step of a trial.
	trialTimeout = 4 * time.Second
	// trialWatch is how long a trial waits for media.
	trialWatch = 2 * time.Second
)

type trial struct {
	what string
	o    online.Options
}

// Try tries other settings than r's: one after another until some work, or all of them if all is set. found contains the first settings that
// work, and ok reports whether there are any. mask replaces secrets in errors.
func Try(ctx context.Context, o online.Options, r *report.Report, all bool, mask func(string) string) (results []report.Trial, found online.Options, ok bool) {
	for _, t := range trials(o, r) {
		if ctx.Err() != nil || ok && !all {
			break
		}
		result := report.Trial{What: t.what}
		result.Worked, result.Text = run(ctx, t.o, mask)
		results = append(results, result)
		if result.Worked && !ok {
			found, ok = t.o, true
		}
	}
	return results, found, ok
}

// arrival is a sink that signals the first media.
type arrival struct {
	came chan struct{}
	done bool
}

// Add implements event.Sink.
func (a *arrival) Add(e *event.Event) {
	if e.Kind != event.Message || e.Sent || a.done {
		return
	}
	switch e.Packet.Type {
	case message.TypeAudio, message.TypeVideo, message.TypeAggregate:
		a.done = true
		close(a.came)
	}
}

// run runs a session and reports whether media arrives or, for a publisher, whether the server agrees to publish.
func run(ctx context.Context, o online.Options, mask func(string) string) (worked bool, text string) {
	o.For = trialWatch
	if o.RTMP.Timeout == 0 || o.RTMP.Timeout > trialTimeout {
		o.RTMP.Timeout = trialTimeout
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a := &arrival{came: make(chan struct{})}
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		select {
		case <-a.came:
			cancel()
		case <-ctx.Done():
		}
	}()
	result := online.Run(ctx, o, a)
	cancel()
	<-watching
	switch {
	case a.done:
		return true, "media arrived"
	case o.Publish && result.Opened && result.Err == nil:
		return true, "the server accepts the stream"
	case result.Err != nil:
		return false, quote.Text(strings.TrimPrefix(mask(result.Err.Error()), "rtmp: "), 200)
	case result.Opened:
		return false, "the server agreed to play, but sent nothing"
	}
	return false, "nothing arrived"
}

// trials returns the trials that make sense after r. None uses less protection than the URL asks for. After a failure of TLS there are
// none, since they would reveal the stream's key to an interceptor.
func trials(o online.Options, r *report.Report) (list []trial) {
	u, err := rtmp.ParseURL(o.Plain())
	if err != nil || errors.As(r.Err, new(*net.DNSError)) || r.WantsUser() { // a client that tries wrong passwords may be locked out
		return nil
	}
	add := func(what string, change func(*online.Options)) {
		t := trial{what: what, o: o}
		change(&t.o)
		list = append(list, t)
	}
	elsewhere := func(scheme string, port uint16) {
		if u.CheckFollow(&rtmpurl.URL{Scheme: scheme}, true) != nil { // a trial sends the password and the stream's name, which may be a key
			return
		}
		add(fmt.Sprintf("%s, port %d", scheme, port), func(o *online.Options) { o.URL = relocate(o.URL, u, scheme, port) })
	}
	var failed *rtmp.HandshakeError
	stage := rtmp.StageConnect
	if errors.As(r.Err, &failed) {
		stage = failed.Stage
	}
	port := u.EffectivePort()
	switch stage {
	case rtmp.StageDial:
		for _, other := range []struct {
			scheme string
			port   uint16
		}{{"rtmp", 1935}, {"rtmps", 443}, {"rtmpt", 80}} {
			if other.port != port {
				elsewhere(other.scheme, other.port)
			}
		}
	case rtmp.StageRTMP, rtmp.StageRTMPE, rtmp.StageTunnel:
		for _, scheme := range []string{"rtmp", "rtmps", "rtmpt", "rtmpe"} {
			if scheme != u.Scheme {
				elsewhere(scheme, port)
			}
		}
		add("the digest handshake", digest)
	case rtmp.StageConnect:
		list = append(list, settings(o, u)...)
		if r.Err == nil { // find out what else works
			elsewhere("rtmps", 443)
			elsewhere("rtmpt", 80)
		}
	}
	return list
}

// settings returns other settings for connect and later commands.
func settings(o online.Options, u *rtmpurl.URL) (list []trial) {
	add := func(what string, change func(*online.Options)) {
		t := trial{what: what, o: o}
		change(&t.o)
		list = append(list, t)
	}
	if !o.RTMP.NoEnhanced {
		add("Enhanced RTMP not announced", func(o *online.Options) { o.RTMP.NoEnhanced = true })
	}
	add("the digest handshake", digest)
	if o.Publish {
		add("a Flash player's flashVer", func(o *online.Options) { o.RTMP.FlashVer = flashPlayer })
	} else {
		add("FCSubscribe, and play with the start of a live stream", func(o *online.Options) { o.RTMP.Live = true })
		add("FMLE's flashVer and connect", func(o *online.Options) { o.RTMP.Publish = true })
		add("a Flash player's flashVer", func(o *online.Options) { o.RTMP.FlashVer = flashPlayer })
		page := "https://" + u.Host + "/"
		add("a page and a player in connect", func(o *online.Options) { o.RTMP.PageURL, o.RTMP.SWFURL = page, page+"player.swf" })
	}
	if o.RTMP.TCURL == "" {
		for _, form := range tcURLs(u, o.RTMP.App) {
			add(form.what, func(o *online.Options) { o.RTMP.TCURL = form.url })
		}
	}
	if o.RTMP.App == "" && o.RTMP.Playpath == "" {
		for _, s := range splits(u) {
			add("the application "+quote.Peer(s.app), func(o *online.Options) { o.RTMP.App, o.RTMP.Playpath = s.app, s.playpath })
		}
	}
	return list
}

// flashPlayer is the flashVer of the last Flash Player.
const flashPlayer = "WIN 32,0,0,465"

// digest selects the handshake of Flash Player 9 and later by setting a made-up hash for SWF verification, which few servers ask for.
func digest(o *online.Options) { o.RTMP.SWFHash, o.RTMP.SWFSize = make([]byte, 32), 1 }

type form struct{ what, url string }

func tcURLs(u *rtmpurl.URL, app string) (list []form) {
	usual := u.TCURL(app)
	scheme, rest, ok := strings.Cut(usual, "://")
	if !ok {
		return nil
	}
	authority, path, _ := strings.Cut(rest, "/")
	if _, _, err := net.SplitHostPort(authority); err != nil {
		withPort := net.JoinHostPort(u.Host, strconv.Itoa(int(u.EffectivePort())))
		list = append(list, form{"tcUrl with the port", scheme + "://" + withPort + "/" + path})
	} else {
		list = append(list, form{"tcUrl without the port", scheme + "://" + u.Host + "/" + path})
	}
	if scheme != "rtmp" {
		list = append(list, form{"tcUrl with rtmp for " + scheme, "rtmp://" + rest})
	}
	return list
}

type split struct{ app, playpath string }

func splits(u *rtmpurl.URL) (list []split) {
	path := u.App + "/" + u.Playpath
	if strings.ContainsAny(u.App, "?") || u.Playpath == "" {
		return nil
	}
	plain, _, _ := strings.Cut(path, "?")
	for i := range plain {
		if plain[i] == '/' && i != len(u.App) && i > 0 && i < len(plain)-1 {
			list = append(list, split{path[:i], path[i+1:]})
		}
	}
	return list[:min(len(list), 3)]
}

func relocate(rawURL string, u *rtmpurl.URL, scheme string, port uint16) string {
	_, rest, _ := strings.Cut(rawURL, "://")
	authority, path, _ := strings.Cut(rest, "/")
	user := ""
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		user = authority[:i+1]
	}
	return scheme + "://" + user + net.JoinHostPort(u.Host, strconv.Itoa(int(port))) + "/" + path
}
