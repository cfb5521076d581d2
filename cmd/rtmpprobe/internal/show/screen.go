package show

import (
	"bytes"
	"io"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
)

// Escape sequences of ECMA-48, and xterm's for the alternate screen, after which the previous contents come back.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// Screen shows reports on a terminal while they come about.
type Screen struct{ w io.Writer }

// NewScreen takes the terminal's screen, until Close.
func NewScreen(w io.Writer) *Screen {
	io.WriteString(w, enterScreen)
	return &Screen{w: w}
}

// Draw shows reports in place of those before.
func (s *Screen) Draw(reports []*report.Report) error {
	var text bytes.Buffer
	for _, r := range reports {
		Text(&text, r)
		text.WriteByte('\n')
	}
	if len(reports) > 1 {
		Compare(&text, reports)
	}
	b := bytes.ReplaceAll(text.Bytes(), []byte("\n"), []byte(clearLine+"\r\n"))
	_, err := s.w.Write(append(append([]byte(home), b...), clearBelow...))
	return err
}

// Close gives the screen back.
func (s *Screen) Close() { io.WriteString(s.w, leaveScreen) }
