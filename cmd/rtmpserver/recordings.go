package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/server"
)

// files returns the settings for recordings.
func (a *application) files() *server.Files {
	s := a.settings
	if s.root == "" {
		return nil
	}
	f := &server.Files{Dir: s.root, Record: server.RecordNone, MaxSize: int64(s.recordMaxSize), MaxDuration: s.recordMaxTime,
		MinFree: int64(s.minFree), MaxTotal: int64(s.maxTotal), AsFast: s.asFast, Done: a.recorded}
	switch {
	case s.record:
		f.Record = server.RecordAll
	case s.recordAsked:
		f.Record = server.RecordAsked
	}
	if s.recordName != "" {
		f.Name = func(r *server.Request, start time.Time) string { return recordingName(s.recordName, r, start) }
	}
	return f
}

// recorded is called after a file has been closed. If the recording has failed, err is the reason. The log does not contain the name of the
// file, since that contains the name of the stream (see redact).
func (a *application) recorded(r *server.Request, file string, err error) {
	app, _, _ := strings.Cut(r.Path, "/")
	log := a.logger.With("app", quote.Attr(app))
	if r.Conn != nil {
		log = log.With("conn", r.Conn.ID(), "remote", r.RemoteAddr)
	}
	if info, err := os.Stat(file); err == nil {
		log = log.With("bytes", info.Size())
	}
	switch {
	case err != nil:
		log.Warn("recording failed", "error", err)
	case r.Conn != nil:
		log.Info("recorded")
	default:
		log.Info("recorded a fetched stream")
	}
	if file != "" {
		dir, _ := os.Getwd()
		a.hooks.Done(r, dir, file)
	}
}

// timeInName is the format of {time}. Names in this format sort by time, and are valid on every system.
const timeInName = "20060102-150405.000"

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// checkRecordName returns an error if --record-name has an unknown placeholder, or names files outside --root.
func checkRecordName(pattern string) error {
	for _, p := range placeholder.FindAllString(pattern, -1) {
		switch p {
		case "{app}", "{name}", "{path}", "{user}", "{time}":
		default:
			return fmt.Errorf("%s is unknown; there are {app}, {name}, {path}, {user} and {time}", p)
		}
	}
	if pattern != "" && !filepath.IsLocal(filepath.FromSlash(pattern)) {
		return errors.New("leads out of --root")
	}
	return nil
}

// recordingName returns the name of a file according to --record-name.
func recordingName(pattern string, r *server.Request, start time.Time) string {
	app, _, _ := strings.Cut(r.Path, "/")
	return filepath.FromSlash(strings.NewReplacer("{app}", app, "{name}", r.Name, "{path}", r.Path, "{user}", r.User,
		"{time}", start.Format(timeInName)).Replace(pattern))
}
