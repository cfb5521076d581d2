package media

import (
	"io"

	"github.com/go-librtmp/rtmp/flv"
)

// ADTSScanner splits an ADTS stream into frames of AAC for [Writer.WriteMPEG4Audio]. Encoders write such streams to pipes, for example
// "ffmpeg -f adts -", and to .aac files.
//
//	s := media.NewADTSScanner(pipe)
//	for at := time.Duration(0); s.Scan(); {
//		c := s.Config()
//		if audio.Config == nil {
//			audio.Config, err = flv.AppendAudioSpecificConfig(nil, c)
//		}
//		err = w.WriteMPEG4Audio(audio, at, s.Frame())
//		at += 1024 * time.Second / time.Duration(c.SampleRate) // a frame has 1024 samples
//	}
//	err = s.Err()
//
// In steady state, scanning does not allocate.
type ADTSScanner struct {
	in     window
	used   int // size of the current frame, at the beginning of the window
	config flv.AudioSpecificConfig
	frame  []byte
	err    error
}

// NewADTSScanner returns a scanner that reads from r.
func NewADTSScanner(r io.Reader) *ADTSScanner {
	return &ADTSScanner{in: window{r: r, max: 2 * (adtsMaxFrame + 1)}}
}

// Frame returns the current frame, without its header. It is valid until the next Scan.
func (s *ADTSScanner) Frame() []byte { return s.frame }

// Config returns the content of the frame's header; see [ParseADTS].
func (s *ADTSScanner) Config() flv.AudioSpecificConfig { return s.config }

// Err returns the error that ended the scan, or nil at the end of the input. It is an error of [ParseADTS] or of the io.Reader. If the input
// ends within a frame, it wraps io.ErrUnexpectedEOF.
func (s *ADTSScanner) Err() error {
	if s.err == io.EOF {
		return nil
	}
	return s.err
}

// Scan reads the next frame and reports whether there is one.
func (s *ADTSScanner) Scan() bool {
	s.in.drop(s.used)
	s.used, s.frame = 0, nil
	for s.err == nil {
		b := s.in.bytes()
		if isWhole := len(b) >= adtsHeaderSize && len(b) >= adtsSize(b); !isWhole {
			switch {
			case s.in.err == nil:
				s.in.fill()
				continue
			case len(b) == 0 || s.in.err != io.EOF:
				s.err = s.in.err
				return false
			}
		}
		var rest []byte
		if s.config, s.frame, rest, s.err = ParseADTS(b); s.err == nil {
			s.used = len(b) - len(rest)
			return true
		}
	}
	return false
}
