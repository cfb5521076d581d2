package web

import (
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// Limits on the recordings that are listed.
const (
	maxRecordings = 500   // maximum number of recordings in the list, which contains the newest ones
	maxEntries    = 20000 // maximum number of files and directories that are examined; others are ignored
	maxDepth      = 8     // maximum depth of directories
	headBytes     = 512 << 10
	shelfTime     = 2 * time.Second // how long a list is used before a new one is made
)

// recording describes an FLV file, which may still be growing.
type recording struct {
	Path     string    `json:"path"` // without .flv
	Size     int64     `json:"size"` // bytes
	Modified time.Time `json:"modified"`
	Duration float64   `json:"duration,omitempty"` // seconds
	Video    *video    `json:"video,omitempty"`
	Audio    *audio    `json:"audio,omitempty"`
}

// shelf lists the recordings in a folder.
type shelf struct {
	dir string // "": none

	mu     sync.Mutex
	at     time.Time // time when listed was made
	listed []recording
	known  map[string]recording // recordings whose files have been read, by path
}

func (s *shelf) list(now time.Time) []recording {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		return []recording{}
	}
	if s.listed == nil || now.Sub(s.at) >= shelfTime {
		s.listed, s.at = s.readFolder(), now
	}
	return s.listed
}

// readFolder leaves out files that can't be read.
func (s *shelf) readFolder() []recording {
	all := []recording{}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return all
	}
	defer root.Close()
	entries := 0
	fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if entries++; entries > maxEntries {
			return fs.SkipAll
		}
		hidden := strings.HasPrefix(d.Name(), ".") && path != "."
		if d.IsDir() && (err != nil || hidden || strings.Count(path, "/") >= maxDepth) {
			return fs.SkipDir
		}
		name, isFLV := strings.CutSuffix(path, ".flv")
		if err != nil || hidden || !isFLV || !d.Type().IsRegular() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			all = append(all, recording{Path: name, Size: info.Size(), Modified: info.ModTime()})
		}
		return nil
	})
	slices.SortFunc(all, func(a, b recording) int { return b.Modified.Compare(a.Modified) })
	all = all[:min(len(all), maxRecordings)]
	known := make(map[string]recording, len(all))
	for i := range all {
		one := &all[i]
		if old := s.known[one.Path]; old.Size == one.Size && old.Modified.Equal(one.Modified) {
			*one = old
		} else {
			one.read(root)
		}
		known[one.Path] = *one
	}
	s.known = known
	return all
}

// read sets the fields whose values come from the beginning of the file.
func (r *recording) read(root *os.Root) {
	file, err := root.Open(r.Path + ".flv")
	if err != nil {
		return
	}
	defer file.Close()
	var info flv.Info
	tags := flv.NewReader(io.LimitReader(file, headBytes))
	var tag flv.Tag
	for tags.Next(&tag) == nil {
		info.Add(tag)
	}
	var frameRate float64
	if span := info.Video.Last - info.Video.First; span > 0 {
		frameRate = float64(info.Video.Packets-1) / span.Seconds()
	}
	r.Duration = info.Duration.Seconds()
	r.Video, r.Audio = describe(&info, frameRate)
}
