package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/download"
)

const (
	progressInterval = 200 * time.Millisecond
	maxProperties    = 1000 // properties of metadata that are listed; a hostile server can send millions
)

type reporter struct {
	*job
	connected, playing bool
	last               download.Progress
	shown              time.Time
	hashes             int  // number printed
	properties         int  // number listed
	bar                bool // show progress as a bar
	complete           bool // everything has arrived
}

func newReporter(j *job) *reporter {
	return &reporter{job: j, bar: j.console.terminal && !j.flags.hashes}
}

func (r *reporter) progress(p *download.Progress) {
	c := r.console
	r.last = *p
	switch p.Phase {
	case download.Connecting:
		c.print("Connecting ...\n")
	case download.Connected:
		r.connected = true
		c.log(levelInfo, "Connected...")
		if r.resume && p.Resuming && r.start.ms > 0 {
			c.log(levelWarning, "Can't seek a resumed stream, ignoring --start option")
			r.start.ms = 0
		}
	case download.Playing:
		r.playing = true
		r.began(p)
	case download.Metadata:
		c.log(levelInfo, "Metadata:")
		r.logMetadata(amf.Object(p.Metadata))
	case download.Retrying:
		c.log(levelWarning, "%s; trying again in %.1f seconds", p.Err, p.Wait.Seconds())
	default:
		r.show(p, false)
	}
}

func (r *reporter) began(p *download.Progress) {
	c := r.console
	verb := "Starting"
	if p.Resuming {
		verb = "Resuming"
	}
	switch {
	case r.live:
		c.print("Starting Live Stream\n")
	case p.Duration > 0:
		c.print("%s download at: %.3f kB / %.3f sec (%.1f%%)\n", verb, kB(p.Size), p.From.Seconds(), percent(p.From, p.Duration))
	default:
		c.print("%s download at: %.3f kB\n", verb, kB(p.Size))
	}
	if r.realtime {
		c.print("  in approximately realtime (disabled BUFX speedup hack)\n")
	}
	if r.stop.ms > 0 {
		c.print("For duration: %.3f sec\n", (milliseconds(r.stop.ms) - p.From).Seconds())
	}
}

func kB(bytes int64) float64 { return float64(bytes) / 1024 }

func percent(position, duration time.Duration) float64 {
	return float64(int(1000*position.Seconds()/duration.Seconds())) / 10
}

// show updates the progress line, at most once in progressInterval.
func (r *reporter) show(p *download.Progress, final bool) {
	if r.flags.hashes && p.Duration > 0 && !final {
		for ; float64(r.hashes) < percent(p.Position, p.Duration) && r.hashes < 100; r.hashes++ {
			r.console.hash()
		}
		return
	}
	now := time.Now()
	if !final && now.Sub(r.shown) < progressInterval {
		return
	}
	r.shown = now
	switch {
	case r.flags.hashes:
		if !final {
			r.console.hash()
		}
	case r.bar:
		r.console.status(barLine(p, r.complete))
	case p.Duration > 0:
		r.console.status(fmt.Sprintf("%.3f kB / %.2f sec (%.1f%%)", kB(p.Size), p.Position.Seconds(), percent(p.Position, p.Duration)))
	default:
		r.console.status(fmt.Sprintf("%.3f kB / %.2f sec", kB(p.Size), p.Position.Seconds()))
	}
}

// logMetadata lists properties as RTMPDump does: the contents of objects and arrays follow their names.
func (r *reporter) logMetadata(properties []amf.Property) {
	c := r.console
	for _, p := range properties {
		if r.properties == maxProperties {
			return
		}
		r.properties++
		var text string
		switch v := p.Value.(type) {
		case float64:
			text = fmt.Sprintf("%.2f", v)
		case bool:
			text = strings.ToUpper(fmt.Sprint(v))
		case string:
			text = strings.ToValidUTF8(v[:min(len(v), 255)], "")
		case amf.Object, amf.ECMAArray:
			c.log(levelInfo, "%s:", p.Name)
			r.logMetadata(amf.Members(v))
		}
		if text != "" && p.Name != "" {
			c.log(levelInfo, "  %-22s%s", p.Name, text)
		}
	}
}

func (r *reporter) finish(ctx context.Context, result *download.Result, err error) int {
	c := r.console
	p := r.last
	p.Size, p.Position, p.Duration = result.Size, result.Position, result.Duration
	r.complete = result.Outcome == download.Complete
	if r.playing {
		r.show(&p, true)
	}
	code := r.exitCode(ctx, &p, err)
	if (code == exitSuccess || code == exitIncomplete) && r.json && !r.live && !r.alreadyComplete(err) {
		// RTMPDump judges a recording by its percentage: it calls a complete stream incomplete if the last frame begins before 99.9 % of the
		// duration, and calls a stream complete after a lost connection if the duration is unknown. --json reports what has really happened.
		if code = exitIncomplete; result.Outcome == download.Complete {
			code = exitSuccess
		}
	}
	if errors.Is(err, download.ErrIncomplete) {
		c.log(levelWarning, "%s", err)
	} else if err != nil && !errors.Is(err, download.ErrTruncated) && !r.alreadyComplete(err) && ctx.Err() == nil {
		c.log(levelError, "%s", explain(err, r.output))
	}
	if errors.Is(err, download.ErrNoMatch) {
		c.print("Couldn't resume FLV file, try --skip %d\n\n", r.skip.n+1)
	}
	done := 0.0
	if p.Duration > 0 {
		done = percent(p.Position, p.Duration)
	}
	switch {
	case r.alreadyComplete(err):
		c.print("Already Completed\nDownload complete\n")
	case code == exitSuccess:
		c.print("Download complete\n")
	case code == exitIncomplete && r.live && errors.Is(err, download.ErrIncomplete):
		c.print("Download incomplete\n")
	case code == exitIncomplete:
		c.print("Download may be incomplete (downloaded about %.2f%%), try resuming\n", done)
	}
	return code
}

// exitCode returns RTMPDump's exit code, according to its manual and to tests.
func (r *reporter) exitCode(ctx context.Context, p *download.Progress, err error) int {
	var write *download.WriteError
	var refused *rtmp.StatusError
	var option *rtmp.OptionError
	var handshake *rtmp.HandshakeError
	switch {
	case errors.As(err, &write), errors.Is(err, download.ErrNotFLV), errors.Is(err, download.ErrNoMatch):
		return exitFailed
	case r.alreadyComplete(err):
		return exitSuccess
	case !r.connected && (errors.As(err, &handshake) && handshake.Stage != rtmp.StageConnect || ctx.Err() != nil):
		return exitNoConnect
	case !r.playing:
		return exitFailed
	case errors.As(err, &refused), errors.As(err, &option): // refused after the stream had begun
		err = nil
	case r.live && r.recovers && errors.Is(err, download.ErrIncomplete): // RTMPDump does not recover
	case errors.Is(err, download.ErrTruncated), errors.Is(err, download.ErrIncomplete), errors.Is(err, io.ErrUnexpectedEOF):
		err = nil // the percentage decides, even if the connection was lost
	}
	if err != nil || ctx.Err() != nil || p.Duration > 0 && percent(p.Position, p.Duration) < 99.9 {
		return exitIncomplete
	}
	return exitSuccess
}

// alreadyComplete reports whether there is nothing to play because --stop is not after the start.
func (r *reporter) alreadyComplete(err error) bool {
	var option *rtmp.OptionError
	return errors.As(err, &option) && option.Name == "stop"
}

func explain(err error, output string) string {
	var write *download.WriteError
	if !errors.As(err, &write) {
		return err.Error()
	}
	advice := "; make room and try --resume"
	if output == "-" {
		output, advice = "standard output", ""
	}
	switch {
	case errors.Is(err, os.ErrPermission), errors.Is(err, os.ErrNotExist):
		return fmt.Sprintf("Failed to open file! %s: %s", output, cause(write.Err))
	case diskFull(err):
		return fmt.Sprintf("Failed writing %s, exiting! The disk is full%s", output, advice)
	case pipeClosed(err):
		return fmt.Sprintf("Failed writing %s, exiting! The reader has closed it", output)
	}
	return fmt.Sprintf("Failed writing %s, exiting! %s", output, cause(write.Err))
}

// cause returns the system's error without the file name.
func cause(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
