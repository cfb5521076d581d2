package url

import (
	"errors"
	"strings"
)

// SameServer reports whether u and v name the same host and port.
func (u *URL) SameServer(v *URL) bool {
	return strings.EqualFold(u.Host, v.Host) && u.EffectivePort() == v.EffectivePort()
}

// CheckFollow returns an error if a client of u must not follow its server to v. v must not be less protected than u, and other
// hosts and ports are allowed only if others is set.
func (u *URL) CheckFollow(v *URL, others bool) error {
	if v.Transport().protection() < u.Transport().protection() {
		return errors.New("to " + v.Scheme + ", which protects less than " + u.Scheme)
	}
	if !others && !u.SameServer(v) {
		return errors.New("to another host or port, which the options don't allow")
	}
	return nil
}
