package main

import (
	"errors"
	"io"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/dump"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/event"
)

type closers []func() error

func (c *closers) add(f func() error) { *c = append(*c, f) }

func (c *closers) close() error {
	var errs []error
	for _, f := range *c {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// probes returns the probes for all sources. Call closeAll at the end, even after an error.
func (f *flags) probes(stdout io.Writer) (probes []*probe, closeAll func() error, err error) {
	closing := new(closers)
	for _, source := range f.sources {
		var more []*probe
		if isCapture(source) {
			more, err = f.captured(source, stdout, closing)
		} else {
			more, err = f.online(source, stdout, closing)
		}
		if err != nil {
			break
		}
		probes = append(probes, more...)
	}
	return probes, closing.close, err
}

func (f *flags) outputs(stdout io.Writer, mask func(string) string, closing *closers) (sinks event.Sinks, err error) {
	if f.dump {
		w := dump.New(stdout, mask)
		sinks = append(sinks, w)
		closing.add(w.Err)
	}
	if f.flvFile != "" {
		o, err := newFLVOut(f.flvFile)
		if err != nil {
			return nil, err
		}
		sinks = append(sinks, o)
		closing.add(o.close)
	}
	return sinks, nil
}
