package show

import (
	"io"
	"strings"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
)

// Escape sequences of ECMA-48, and those of xterm that switch to the alternate screen and back.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// Screen shows reports on a terminal and redraws them as they grow.
type Screen struct {
	w    io.Writer
	size func() (columns, lines int)
}

// NewScreen uses the whole terminal until Close. size returns the size of the terminal before each drawing; 0 means unlimited.
func NewScreen(w io.Writer, size func() (columns, lines int)) *Screen {
	io.WriteString(w, enterScreen)
	return &Screen{w: w, size: size}
}

// detail lists selections of a report's sections. The first that fits on the screen is shown.
var detail = [][]section{everything, {stages, media, findings}, {media, graph, findings}, {media, findings}, {findings}}

// Draw shows reports in place of the previous ones. If even the shortest selection does not fit on the screen, its end is cut off.
func (s *Screen) Draw(reports []*report.Report) error {
	columns, height := s.size()
	var lines []string
	for _, sections := range detail {
		b := newPage(columns)
		for _, r := range reports {
			text(b, r, sections)
			b.WriteByte('\n')
		}
		if len(reports) > 1 {
			Compare(b, reports)
		}
		if lines = fold(b.String(), columns); height == 0 || len(lines) <= height {
			break
		}
	}
	if height > 0 && len(lines) > height {
		lines = append(lines[:height-1], "...")
	}
	_, err := io.WriteString(s.w, home+strings.Join(lines, clearLine+"\r\n")+clearLine+clearBelow)
	return err
}

// fold splits text into lines of at most columns; 0 means unlimited.
func fold(text string, columns int) (lines []string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		for runes := []rune(line); columns > 0 && len(runes) > columns; line = string(runes) {
			lines = append(lines, string(runes[:columns]))
			runes = runes[columns:]
		}
		lines = append(lines, line)
	}
	return lines
}

// Close restores the previous content of the terminal.
func (s *Screen) Close() { io.WriteString(s.w, leaveScreen) }
