package download

import (
	"context"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
)

// File saves the stream at rawURL as an FLV file. rawURL may be followed by librtmp's options. File creates the file before it connects, and
// removes it again if no stream begins. An existing file stays unchanged until the stream has begun; then File replaces it or, with
// Options.Resume, continues it. After any error the file consists of whole tags and can be continued.
//
// The error is nil exactly when the outcome is Complete. Otherwise it is, or wraps, one of these:
//
//   - ErrTruncated, ErrIncomplete, ErrNotFLV, ErrNoMatch, a *WriteError;
//   - an error of ctx when ctx is done;
//   - before a connection: a *url.Error of package github.com/go-librtmp/rtmp/url for the URL, an *rtmp.OptionError;
//   - an *rtmp.HandshakeError if connecting failed, which wraps the errors of package net and others;
//   - an *rtmp.StatusError if the server refused;
//   - an *rtmp.ProtocolError if the server violated the protocol;
//   - io.ErrUnexpectedEOF if the connection was lost, os.ErrDeadlineExceeded if the server fell silent.
func File(ctx context.Context, rawURL, path string, o *Options) (Result, error) {
	d, err := newDownload(rawURL, o)
	if err != nil {
		return Result{}, err
	}
	open := createOutput
	if d.o.Resume && !d.target.options.Live {
		open = resumeOutput
	}
	if d.out, err = open(path, d.o.SkipKeyFrames); err != nil {
		return Result{}, err
	}
	if d.o.Sync {
		d.out.sync = (*os.File).Sync
	}
	return d.run(ctx)
}

// To writes the stream at rawURL to w, as an FLV file. It is like File without Options.Resume. After a lost connection it can only append.
func To(ctx context.Context, rawURL string, w io.Writer, o *Options) (Result, error) {
	d, err := newDownload(rawURL, o)
	if err != nil {
		return Result{}, err
	}
	d.out = newOutput(w, d.o.SkipKeyFrames)
	return d.run(ctx)
}

func newDownload(rawURL string, o *Options) (*download, error) {
	d := &download{log: slog.New(slog.DiscardHandler)}
	if o != nil {
		d.o = *o
	}
	if d.o.RTMP == nil {
		d.o.RTMP = &rtmp.Options{}
	}
	if d.o.Logger != nil {
		d.log = d.o.Logger
	} else if d.o.RTMP.Logger != nil {
		d.log = d.o.RTMP.Logger
	}
	d.open = d.connect
	d.o.SkipKeyFrames = min(max(0, d.o.SkipKeyFrames), maxKeys/2)
	var err error
	if d.target, err = newTarget(rawURL, d.o.RTMP); err != nil {
		return nil, err
	}
	switch pipelining := &d.target.options.Pipelining; {
	case d.o.NoPipelining:
		*pipelining = rtmp.PipelineNone
	case *pipelining == rtmp.PipelineNone:
		*pipelining = rtmp.PipelineCommands
	}
	return d, nil
}

// download is one call of File or To.
type download struct {
	o      Options
	log    *slog.Logger
	target *target
	out    *output
	result Result
	open   func(ctx context.Context, from time.Duration) (player, error)

	base       uint32        // position of the file's time 0 in the stream, in ms; not 0 if the server counts from Options.Start
	position   uint32        // timestamp of the last message, in the file's time
	shifts     shifts        // convert times of the session to times of the file
	splice     *splice       // not nil while searching for the place where the session continues the file
	lastWrite  time.Time     // when the file was last written, for live streams
	lead       lead          // of the session's media in the file, for live streams
	joint      *contentJoint // joint that is still to be judged; nil if there is none
	next       *successor    // nil if there is none
	hasMedia   bool          // something of the stream has arrived, on any connection
	resumed    bool          // the session continues the file
	from       time.Duration // position at which the session began
	back       int           // number of key frames between from and the last key frame of the file
	duration   time.Duration // duration of the stream; 0 if unknown
	properties amf.ECMAArray // the newest metadata

	audio, video repeats

	reported reported
	pace     pace
}

func (d *download) run(ctx context.Context) (Result, error) {
	d.out.dumpFlags, d.out.dumpStart = d.o.Quirks, d.target.options.Start
	d.duration = d.out.tail.duration
	d.position = d.out.tail.last()
	d.pace = newPace(mark{time.Now(), d.out.tail.end, ms(d.position)})
	err := d.sessions(ctx)
	if d.next != nil {
		if s, ok := d.next.Take(); ok {
			s.close()
		}
	}
	if flushErr := d.out.finish(); err == nil || flushErr != nil && !isWrite(err) {
		err = flushErr
	}
	if err == nil && !d.out.begun && d.out.stale && !d.o.Resume { // the stream is empty, so the file becomes empty
		err = d.out.cut(0)
	}
	if closeErr := d.out.close(); err == nil {
		err = closeErr
	}
	if err != nil && !d.out.begun && !d.o.Quirks {
		d.out.removeCreated()
	}
	d.reportLast()
	d.judgeJoint()
	err = d.setOutcome(ctx, err)
	d.result.Size = d.out.tail.end
	d.result.Audio, d.result.Video, d.result.Data = d.out.audio, d.out.video, d.out.data
	return d.result, err
}

func ms(t uint32) time.Duration { return time.Duration(t) * time.Millisecond }
