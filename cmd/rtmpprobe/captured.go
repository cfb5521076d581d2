package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/go-librtmp/rtmp/capture"
	"github.com/go-librtmp/rtmp/capture/pcap"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/captured"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/internal/quote"
)

// captured returns the probes for all sessions of a capture, or for one if source has the form file#2.
func (f *flags) captured(source string, stdout io.Writer, closing *closers) ([]*probe, error) {
	path, only := source, 0
	if _, err := os.Stat(path); err != nil {
		if i := strings.LastIndexByte(source, '#'); i >= 0 {
			path = source[:i]
			if only, err = strconv.Atoi(source[i+1:]); err != nil || only < 1 {
				return nil, fmt.Errorf("%s: # must be followed by a number", path)
			}
		}
	}
	if err := f.overwrites(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (a URL begins with rtmp:// or similar)", err)
	} else if err != nil {
		return nil, err
	}
	file, problems, err := open(path)
	if err != nil {
		return nil, err
	}
	closing.add(file.Close)
	sessions := file.Sessions()
	switch {
	case only > len(sessions):
		return nil, fmt.Errorf("%s contains %d sessions", path, len(sessions))
	case only == 0 && len(sessions) > 1 && (f.dump || f.flvFile != "" || f.pcapFile != ""):
		return nil, fmt.Errorf("%s contains %d sessions: select one with %s#1", path, len(sessions), path)
	}
	var probes []*probe
	for i, s := range sessions {
		if only > 0 && i != only-1 {
			continue
		}
		p, err := f.sessionProbe(captured.Name(path, s, i, len(sessions)), s, stdout, closing)
		if err != nil {
			return nil, err
		}
		p.report.Problems, p.report.Incomplete = problems, len(file.Damage()) > 0
		probes = append(probes, p)
	}
	return probes, nil
}

// overwrites returns an error if an output is the file that is to be read.
func (f *flags) overwrites(path string) error {
	source, err := os.Stat(path)
	if err != nil {
		return err
	}
	for _, output := range []string{f.flvFile, f.pcapFile, f.plot} {
		if target, err := os.Stat(output); err == nil && os.SameFile(source, target) {
			return fmt.Errorf("%s is both input and output", output)
		}
	}
	return nil
}

func (f *flags) sessionProbe(name string, s *capture.Session, stdout io.Writer, closing *closers) (*probe, error) {
	unmasked := func(text string) string { return text } // secrets were replaced when the session was recorded
	sinks, err := f.outputs(stdout, unmasked, closing)
	if err != nil {
		return nil, err
	}
	p := newProbe(quote.Text(name, 300), unmasked, sinks, func(ctx context.Context, p *probe) error {
		result, err := captured.Play(ctx, s, p)
		p.finish(func(r *report.Report) {
			r.Problems = slices.Concat(r.Problems, result.Problems) // the problems of the file are shared with other sessions, hence the copy
			r.Incomplete = r.Incomplete || result.Incomplete
			w := &r.Wire
			w.Read, w.Written, w.Tolerated = result.FromServer, result.FromClient, result.Tolerated
			if d := result.Last.Seconds(); d > 0 {
				w.ReadRate, w.WrittenRate = 8*float64(w.Read)/d, 8*float64(w.Written)/d
			}
		})
		if err == nil && f.pcapFile != "" {
			err = writePcap(f.pcapFile, s)
		}
		return err
	})
	p.report.Capture = true
	return p, nil
}

func writePcap(path string, s *capture.Session) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	err = pcap.Write(file, s)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// open opens a capture or a file of packets. problems describe what is missing in it.
func open(path string) (_ *capture.File, problems []string, err error) {
	head, err := beginning(path)
	if err != nil {
		return nil, nil, err
	}
	var file *capture.File
	if pcap.IsPcap(head) {
		var found *pcap.Report
		file, found, err = pcap.Open(path)
		problems = found.Problems
	} else if file, err = capture.Open(path); errors.Is(err, capture.ErrNoSession) {
		err = errors.New("not a capture, or one without a session")
	}
	switch {
	case err != nil && len(problems) > 0:
		return nil, nil, fmt.Errorf("%s: %w: %s", path, err, strings.Join(problems[:min(len(problems), 3)], "; "))
	case err != nil:
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, damage := range file.Damage() {
		problems = append(problems, damage.Error())
	}
	for i, problem := range problems {
		problems[i] = quote.Text(problem, 300)
	}
	return file, problems, nil
}

func beginning(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	head := make([]byte, 4)
	n, err := io.ReadFull(file, head)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return head[:n], err
}
