package vod

import (
	"context"
	"time"
)

// Duration returns the time of a file's last tag, which is the largest position for Seek. If the file is being recorded, it is the last tag
// written so far. The errors are those of Play.
func (f *Folder) Duration(ctx context.Context, name string) (time.Duration, error) {
	file, err := f.open(name)
	if err != nil {
		return 0, failed("play", name, err)
	}
	defer file.Close()
	x, err := f.indexes.get(ctx, name, file)
	if err != nil {
		return 0, failed("play", name, err)
	}
	return time.Duration(x.last) * time.Millisecond, nil
}
