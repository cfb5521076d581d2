package live

import "time"

// Takeover says what becomes of a publisher when another asks for the same path.
type Takeover int

const (
	TakeStale  Takeover = iota // it is replaced by the same user, else by the same host, or after Policy.StaleAfter of silence by anybody
	TakeNever                  // it stays
	TakeAlways                 // it is replaced
)

// replaces reports whether a newcomer takes over from a publisher that has been silent for so long.
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
