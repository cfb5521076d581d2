package testserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// published contains the streams that are being published, and their recordings. Unlike the recordings of server.Files, these recordings
// contain exactly the messages that were published.
type published struct {
	dir string // "" means that nothing is recorded

	mu      sync.Mutex
	streams map[string]*recorder // by name; nil if the stream is not recorded
}

func newPublished(dir string) *published {
	return &published{dir: dir, streams: make(map[string]*recorder)}
}

func (p *published) has(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, found := p.streams[name]
	return found
}

// begin registers a publisher, unless the name already has one.
func (p *published) begin(r *server.Request) error {
	r.Path = r.Name
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, found := p.streams[r.Name]; found {
		return &server.Refusal{Code: message.CodePublishBadName, Description: r.Name + " is being published"}
	}
	var file *recorder
	if p.dir != "" {
		var err error
		if file, err = newRecorder(p.dir, r.Name, r.Kind == "append"); err != nil {
			return &server.Refusal{Code: message.CodeRecordFailed, Description: err.Error()}
		}
	}
	p.streams[r.Name] = file
	return nil
}

func (p *published) end(r *server.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if file := p.streams[r.Path]; file != nil {
		file.close()
	}
	delete(p.streams, r.Path)
}

// record appends a message to its stream's recording. The first error ends the recording.
func (p *published) record(name string, packet *message.Packet) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	file := p.streams[name]
	tag, ok := server.Tag(packet)
	if file == nil || !ok {
		return nil
	}
	err := file.write(tag)
	if err != nil {
		file.close()
		p.streams[name] = nil
	}
	return err
}

// recorder writes a published stream to a file.
type recorder struct {
	file   *os.File
	out    *flv.Writer
	offset uint32 // added to all timestamps, in ms: the end of the file before appending
}

// newRecorder opens NAME.flv in dir, to replace the file or, with resume, to append to it.
func newRecorder(dir, name string, resume bool) (*recorder, error) {
	base := name + ".flv"
	if name == "" || !filepath.IsLocal(base) {
		return nil, fmt.Errorf("invalid file name %q", name)
	}
	path := filepath.Join(dir, base)
	r := &recorder{}
	mode := os.O_TRUNC
	if resume {
		var found bool
		var err error
		if r.offset, found, err = recorded(path); err != nil {
			return nil, err
		}
		if found {
			mode = os.O_APPEND
		}
	}
	var err error
	if r.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|mode, 0o644); err != nil {
		return nil, err
	}
	r.out = flv.NewWriter(r.file)
	if mode == os.O_TRUNC {
		if err := r.out.WriteHeader(flv.FileHeader{HasAudio: true, HasVideo: true}); err != nil {
			r.file.Close()
			return nil, err
		}
	}
	return r, nil
}

// recorded returns the end of a recording in ms, and whether the recording exists. For an unreadable file it returns an error, since
// otherwise the file would be replaced.
func recorded(path string) (end uint32, found bool, err error) {
	file, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(file) == 0 {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	tags, err := Tags(file)
	for _, tag := range tags { // the last tag need not have the largest timestamp
		end = max(end, tag.Timestamp)
	}
	return end, true, err
}

func (r *recorder) write(tag flv.Tag) error {
	tag.Timestamp += r.offset
	return r.out.WriteTag(tag)
}

func (r *recorder) close() { r.file.Close() }
