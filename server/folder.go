package server

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/go-librtmp/rtmp/internal/vod"
)

// folder opens the folder of f, and creates it if record is set. The error is errNotFound if there is no folder.
func (s *Server) folder(f *Files, record bool) (*vod.Folder, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrServerClosed
	}
	if open := s.folders[f]; open != nil {
		return open, nil
	}
	if record {
		if err := os.MkdirAll(f.Dir, 0o755); err != nil {
			return nil, err
		}
	}
	open, err := vod.OpenFolder(f.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNotFound
	}
	if err != nil {
		return nil, err
	}
	s.folders[f] = open
	return open, nil
}

// duration returns the duration of a file.
func (s *Server) duration(ctx context.Context, f *Files, path string) (time.Duration, error) {
	folder, err := s.folder(f, false)
	if err != nil {
		return 0, err
	}
	return folder.Duration(ctx, path+".flv")
}
