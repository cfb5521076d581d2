package capturefile

import "io"

// Option is an option of NewOutput.
type Option func(*options)

type options struct{ zeroMedia bool }

// ZeroMedia records the bodies of audio and video messages as zeros.
func ZeroMedia(o *options) { o.zeroMedia = true }

// Output is a writer of captures with options.
type Output struct {
	io.Writer
	options options
}

// NewOutput returns an Output that writes to w. Its Close method closes w if w is an io.Closer.
func NewOutput(w io.Writer, opts ...Option) *Output {
	o := &Output{Writer: w}
	for _, set := range opts {
		set(&o.options)
	}
	return o
}

// Close closes the underlying writer if it has a Close method.
func (o *Output) Close() error {
	if c, ok := o.Writer.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

func optionsOf(w io.Writer) options {
	if o, ok := w.(*Output); ok {
		return o.options
	}
	return options{}
}
