package live

import "time"

// Takeover says what happens to a publisher when another one asks for the same path.
type Takeover int

const (
	TakeStale  Takeover = iota // the same user or, if neither has authenticated, the same host replaces it at once, and anyone else after StaleAfter
	TakeNever                  // it stays
	TakeAlways                 // it is replaced
)

// replaces reports whether newcomer may replace old, which has sent no messages for the duration silence.
func (p Policy) replaces(old, newcomer *PublishOptions, silence time.Duration) bool {
	switch p.Takeover {
	case TakeAlways:
		return true
	case TakeNever:
		return false
	}
	if silence >= p.StaleAfter {
		return true
	}
	if old.User != "" || newcomer.User != "" {
		return old.User == newcomer.User
	}
	return old.Host != "" && old.Host == newcomer.Host
}
