package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/go-librtmp/rtmp/internal/quote"
)

type level int

const (
	levelCritical level = iota
	levelError
	levelWarning
	levelInfo
	levelDebug
	levelAll
)

var levelNames = [...]string{"CRIT", "ERROR", "WARNING", "INFO", "DEBUG", "DEBUG2"}

type console struct {
	mu           sync.Mutex
	out          io.Writer
	level        level
	terminal     bool
	width        int    // width of the progress line, which the next message must overwrite
	open         bool   // the last line is the progress line
	onBrokenPipe func() // called if out is a pipe whose reader has closed it; may be nil
}

// write writes to out. The caller holds mu.
func (c *console) write(text string) {
	if _, err := io.WriteString(c.out, text); pipeClosed(err) && c.onBrokenPipe != nil {
		c.onBrokenPipe()
	}
}

// print writes text unchanged, except with --quiet.
func (c *console) print(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.level == levelCritical {
		return
	}
	c.endLine()
	c.write(fmt.Sprintf(format, args...))
}

const maxMessage = 1000

// log writes a message after its level. Line breaks in text from the server are escaped.
func (c *console) log(l level, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l > c.level {
		return
	}
	c.endLine()
	text := advice.Replace(fmt.Sprintf(strings.TrimRight(format, "\n"), args...))
	ending := format[len(strings.TrimRight(format, "\n")):] + "\n"
	c.write(levelNames[min(int(l), len(levelNames)-1)] + ": " + quote.Text(text, maxMessage) + ending)
}

func (c *console) endLine() {
	if c.open {
		c.write("\n")
		c.open, c.width = false, 0
	}
}

func (c *console) status(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.level == levelCritical {
		return
	}
	padding := strings.Repeat(" ", max(0, c.width-len(text)))
	if !c.terminal {
		padding = ""
	}
	c.write("\r" + text + padding)
	c.open, c.width = true, len(text)
}

func (c *console) hash() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.level == levelCritical {
		return
	}
	c.write("#")
	c.open = true
}

func (c *console) logger() *slog.Logger { return slog.New(handler{console: c}) }

type handler struct {
	console *console
	attrs   string
}

func levelOf(l slog.Level) level {
	switch {
	case l >= slog.LevelError:
		return levelError
	case l >= slog.LevelWarn:
		return levelWarning
	case l >= slog.LevelDebug: // also what the library logs at Info, since the progress shows it
		return levelDebug
	}
	return levelAll
}

// Enabled implements slog.Handler.
func (h handler) Enabled(_ context.Context, l slog.Level) bool {
	h.console.mu.Lock()
	defer h.console.mu.Unlock()
	return levelOf(l) <= h.console.level
}

// Handle implements slog.Handler.
func (h handler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message + h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		b.WriteString(" " + a.String())
		return true
	})
	h.console.log(levelOf(r.Level), "%s", b.String())
	return nil
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		h.attrs += " " + a.String()
	}
	return h
}

// WithGroup implements slog.Handler. Groups are not shown.
func (h handler) WithGroup(string) slog.Handler { return h }
