package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-librtmp/rtmp/bench/media"
)

// fileSize is the size of the played file, in bytes of media. It is more than a player receives in a run.
const fileSize = 1 << 30

// filePlayers is the number of players of the file.
const filePlayers = 200

// fromFile measures players of one recording at full speed: CPU seconds per Gbit, KiB of memory per player, Gbit/s.
func fromFile(s server, file string) func(ctx context.Context, dir string) ([]float64, error) {
	return func(ctx context.Context, dir string) ([]float64, error) {
		if err := os.MkdirAll(filepath.Join(dir, "live"), 0o755); err != nil {
			return nil, err
		}
		if err := os.Link(file, filepath.Join(dir, "live", "x.flv")); err != nil {
			return nil, err
		}
		p, err := s.start(ctx, dir)
		if err != nil {
			return nil, err
		}
		defer p.stop()
		alone, err := p.memory()
		if err != nil {
			return nil, err
		}
		c, err := gather(ctx, s.url(p, "x"), filePlayers, openOptions{file: true})
		if err != nil {
			return nil, err
		}
		defer c.leave()
		time.Sleep(settle / 4)
		u, err := use(p, c, min(*length, 5*time.Second))
		if err != nil {
			return nil, err
		}
		return []float64{u.cpu / u.gbit, (u.memory - alone) / filePlayers, u.gbit / u.seconds}, nil
	}
}

// recording writes the file.
func recording(dir string) (file string, err error) {
	file = filepath.Join(dir, "x.flv")
	f, err := os.Create(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	run := media.Build("2mbit")
	if err := run.WriteFLV(w, run.Plan(fileSize)); err != nil {
		return "", err
	}
	return file, w.Flush()
}

func filesTrial() *trial {
	t := &trial{title: "Players of a file", file: "serve-files", columns: []string{"CPU s/Gbit", "KiB a player", "Gbit/s"}, rounds: 2,
		against: []string{"io.Copy, 64 KiB at a time", "io.Copy by the kernel"},
		about: fmt.Sprintf("%d players of one recording of 1 GiB, at full speed. io.Copy sends the same file without a protocol, and on Linux "+
			"the data does not pass through the program. In an RTMP server it has to, so compare with the program that reads 64 KiB at a time.", filePlayers)}
	file := filepath.Join(bin, "x.flv")
	for _, s := range []server{program("io.Copy by the kernel", "floor", "-file", "{dir}/live/x.flv"),
		program("io.Copy, 64 KiB at a time", "floor", "-file", "{dir}/live/x.flv", "-copy"), ours("", "-r", "{dir}", "--as-fast")} {
		t.contestants = append(t.contestants, &contestant{name: s.name, run: func(ctx context.Context, dir string) ([]float64, error) {
			if _, err := os.Stat(file); err != nil {
				if _, err := recording(bin); err != nil {
					return nil, err
				}
			}
			return fromFile(s, file)(ctx, dir)
		}})
	}
	return t
}
