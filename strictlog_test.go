package rtmp

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
)

// strict is a logger that looks for what must not be in logs.
type strict struct {
	mu      *sync.Mutex
	secrets []string
	found   map[string]int
}

func newStrict(secrets ...string) *strict {
	return &strict{mu: new(sync.Mutex), secrets: secrets, found: map[string]int{}}
}

func (s *strict) Enabled(context.Context, slog.Level) bool { return true }
func (s *strict) WithAttrs([]slog.Attr) slog.Handler       { return s }
func (s *strict) WithGroup(string) slog.Handler            { return s }
func (s *strict) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		s.look(r.Message+" "+a.Key, a.Value.String())
		return true
	})
	return nil
}

func (s *strict) look(where, text string) {
	add := func(what string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.found) < 40 {
			s.found[fmt.Sprintf("%s: %s: %.160q", what, where, text)]++
		}
	}
	if len(text) > 1300 {
		add(fmt.Sprintf("long %d", len(text)))
	}
	if strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsGraphic(r) || r == 0xfffd }) {
		add("raw")
	}
	for _, secret := range s.secrets {
		if strings.Contains(text, secret) {
			add("SECRET")
		}
	}
}
