package server

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/internal/live"
	"github.com/go-librtmp/rtmp/internal/vod"
)

// recording writes a publication to a file on its own goroutine. It reads the stream's log with its own cursor, as a player does, so it
// delays a publisher only if that is ahead of its timestamps.
type recording struct {
	server  *Server
	log     *slog.Logger
	files   *Files
	request *Request
	from    *live.Subscriber
	to      *vod.Recorder
	failed  func(error)
	done    sync.WaitGroup
	told    bool // the error that has ended the recording was reported; owned by run

	mu     sync.Mutex // guards the rest
	closed []closedFile
	later  func(int, func()) // runs a function on the hooks' goroutine; nil after finish
}

type closedFile struct {
	name string
	err  error
}

// These values determine when the recording is written to the file: after recordBytes more of the stream, or after recordEvery. If the
// server is killed, everything after the last write is lost.
const (
	recordBytes = 128 << 10
	recordEvery = time.Second
)

// record starts to record pub if f and r ask for it; otherwise it returns nil. It uses later to run hooks. If the recording ends with an
// error, it calls failed, which may be nil. If the recording can't be begun, the caller reports the error; if the server is closed, it gets no
// recording to report it with.
func (s *Server) record(f *Files, r *Request, pub *live.Publisher, log *slog.Logger, failed func(error), later func(int, func())) (*recording, error) {
	if f == nil || f.Record == RecordNone || f.Record == RecordAsked && r.Kind == "live" {
		return nil, nil
	}
	rec := &recording{server: s, log: log, files: f, request: r, failed: failed, later: later}
	folder, err := s.folder(f, true)
	if err != nil {
		return rec, err
	}
	o := vod.RecordOptions{Append: r.Kind == "append", Keep: r.Kind == "live", Wait: recordingTimeout,
		Wanted: func() bool { return pub.Err() == nil }, MaxSize: f.MaxSize, MaxDuration: f.MaxDuration, MinFree: f.MinFree, MaxTotal: f.MaxTotal, Done: rec.fileClosed}
	name := r.Path + ".flv"
	if f.Name != nil {
		o.Next = func(start time.Time) (name string) {
			defer application{panicked: s.hookPanicked}.recovered(nil) // "" is a bad name, with which the recording fails
			return strings.TrimSuffix(filepath.ToSlash(f.Name(r, start)), ".flv") + ".flv"
		}
		name = o.Next(time.Now())
	}
	if !s.hold() { // asked before there is a file whose end must be reported
		return nil, ErrServerClosed
	}
	if rec.to, err = folder.Record(name, o); err != nil {
		s.running.Done()
		return rec, err
	}
	rec.from = pub.Collect(recordBytes, recordEvery)
	rec.done.Go(func() {
		defer s.running.Done()
		rec.run()
	})
	return rec, nil
}

// run records until the publisher has left.
func (rec *recording) run() {
	var failure error
	var batch []*live.Message
	var tags []vod.Recorded
	for failure == nil {
		var err error
		if batch, err = rec.from.NextBatch(context.Background(), batch[:0]); err != nil {
			break
		}
		tags = tags[:0]
		for _, m := range batch {
			t, more := m.Pieces()
			tags = append(tags, vod.Recorded{Tag: t, More: more})
		}
		failure = rec.to.Write(tags...)
	}
	rec.from.Close()
	if err := rec.to.Close(); failure == nil {
		failure = err
	}
	if failure == nil {
		return
	}
	if rec.failed != nil {
		rec.failed(failure)
	}
	if !rec.told { // the next file could not be begun
		rec.report("", failure)
	}
}

// fileClosed is called by rec.to for each file.
func (rec *recording) fileClosed(name string, err error) {
	rec.told = rec.told || err != nil
	if missed := rec.from.Missed(); err == nil && missed > 0 {
		err = &missedError{missed}
	}
	rec.report(filepath.Join(rec.files.Dir, filepath.FromSlash(name)), err)
}

// report passes the outcome of a file to Files.Done or, if that is nil, logs an error. file is "" if the file could not be begun. Without
// Done there is nothing to wait for: other hooks may take long.
func (rec *recording) report(file string, err error) {
	if rec.files.Done == nil {
		switch {
		case err != nil && file == "":
			rec.log.Warn("rtmp: not recorded", "error", err)
		case err != nil:
			rec.log.Warn("rtmp: recording incomplete", "error", err)
		}
		return
	}
	rec.server.unreported.Add(1)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.closed = append(rec.closed, closedFile{file, err})
	if rec.later != nil {
		rec.later(0, rec.callDone)
	}
}

// callDone calls Files.Done for the files that were closed. It runs on the hooks' goroutine.
func (rec *recording) callDone() {
	rec.mu.Lock()
	closed := rec.closed
	rec.closed = nil
	rec.mu.Unlock()
	for _, file := range closed {
		rec.callDoneOf(file)
	}
	rec.server.unreported.Add(-int64(len(closed)))
	rec.server.wakeShutdown()
}

// callDoneOf calls Files.Done for a file. A panic ends the client's connection.
func (rec *recording) callDoneOf(file closedFile) {
	panicked := rec.server.hookPanicked
	if c := rec.request.Conn; c != nil {
		panicked = c.panicked
	}
	defer application{panicked: panicked}.recovered(nil)
	rec.files.Done(rec.request, file.name, file.err)
}

// finish waits until everything has been written to the file. It is called after the publisher has left, on the hooks' goroutine.
func (rec *recording) finish() {
	if rec == nil {
		return
	}
	rec.mu.Lock()
	rec.later = nil
	rec.mu.Unlock()
	rec.done.Wait()
	rec.callDone()
}

// recordFailure returns the description that is sent to the client.
func recordFailure(err error) string {
	switch {
	case errors.Is(err, ErrServerClosed):
		return "the server is shutting down"
	case errors.Is(err, vod.ErrBadName):
		return "the name cannot be a file name"
	case errors.Is(err, vod.ErrBusy):
		return "the file is being recorded already"
	case errors.Is(err, vod.ErrNoSpace):
		return "not enough space for the recording"
	}
	return "the recording can't be written"
}

// missedError is the error of a recording with gaps.
type missedError struct{ messages uint64 }

func (e *missedError) Error() string {
	return "rtmp: record: the disk was too slow, messages missing: " + strconv.FormatUint(e.messages, 10)
}
