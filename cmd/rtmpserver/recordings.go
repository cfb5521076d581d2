package main

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/server"
)

// files are the recordings.
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

// recorded is told of a file that is complete, or why there is none.
func (a *application) recorded(r *server.Request, file string, err error) {
	if err != nil {
		a.logger.Warn("recording failed", "error", err)
	} else {
		a.logger.Info("recorded", "conn", r.Conn.ID())
	}
	if file != "" {
		dir, _ := os.Getwd()
		a.hooks.Done(r, dir, file)
	}
}

// timeInName is how {time} is written: it sorts, and is a name everywhere.
const timeInName = "20060102-150405.000"

// recordingName is the name of a file for --record-name.
func recordingName(pattern string, r *server.Request, start time.Time) string {
	app, _, _ := strings.Cut(r.Path, "/")
	return filepath.FromSlash(strings.NewReplacer("{app}", app, "{name}", r.Name, "{path}", r.Path, "{user}", r.User,
		"{time}", start.Format(timeInName)).Replace(pattern))
}
