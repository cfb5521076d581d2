package main

import (
	"encoding/json"
	"io"

	"github.com/go-librtmp/rtmp/download"
	"github.com/go-librtmp/rtmp/flv"
)

// summary is the output of --json. Times are in seconds, sizes in bytes.
type summary struct {
	Outcome  string  `json:"outcome"` // text of the download.Outcome: complete, incomplete, truncated, server-closed-early, ...
	ExitCode int     `json:"exit_code"`
	Error    string  `json:"error,omitempty"`
	File     string  `json:"file"` // "-" means standard output
	Size     int64   `json:"size"`
	Position float64 `json:"position"`
	Duration float64 `json:"duration,omitempty"`
	Ended    bool    `json:"ended"` // the server has ended the stream

	Audio           int64           `json:"audio_tags"` // tags written by this call
	Video           int64           `json:"video_tags"`
	Dropped         int64           `json:"dropped"`
	Sessions        int             `json:"sessions"`
	MetadataChanged bool            `json:"metadata_changed"`
	Splices         []spliceSummary `json:"splices"`
	Gaps            []gapSummary    `json:"gaps"`     // missing parts of the tracks
	BadData         uint64          `json:"bad_data"` // damaged messages in the stream
}

type gapSummary struct {
	Track string  `json:"track"` // audio, video
	From  float64 `json:"from"`
	To    float64 `json:"to"`
}

type spliceSummary struct {
	Offset    int64   `json:"offset"`
	Removed   int64   `json:"removed"`
	ByContent bool    `json:"by_content"`
	Gap       float64 `json:"gap"`
}

func writeSummary(w io.Writer, j *job, r *download.Result, code int, err error) error {
	s := summary{Outcome: r.Outcome.String(), ExitCode: code, File: j.output, Size: r.Size, Position: r.Position.Seconds(),
		Duration: r.Duration.Seconds(), Ended: r.Ended, Audio: r.Audio, Video: r.Video, Dropped: r.Dropped,
		Sessions: r.Sessions, MetadataChanged: r.MetadataChanged, Splices: []spliceSummary{},
		Gaps: []gapSummary{}, BadData: r.BadData}
	if err != nil {
		s.Error = advice.Replace(err.Error())
	}
	for _, splice := range r.Splices {
		s.Splices = append(s.Splices, spliceSummary{splice.Offset, splice.Removed, splice.ByContent, splice.Gap.Seconds()})
	}
	for _, gap := range r.Gaps {
		track := "audio"
		if gap.Track == flv.TagVideo {
			track = "video"
		}
		s.Gaps = append(s.Gaps, gapSummary{track, gap.From.Seconds(), gap.To.Seconds()})
	}
	return json.NewEncoder(w).Encode(s)
}
