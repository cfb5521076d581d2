package vod

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	extension   = ".flv"
	maxElement  = 255 // longest name in most file systems, in bytes
	maxElements = 32
)

// CheckName returns ErrBadName if name is not a valid name; see Folder.
func CheckName(name string) error {
	elements := strings.Split(name, "/")
	if len(elements) > maxElements || !strings.HasSuffix(name, extension) || !utf8.ValidString(name) {
		return ErrBadName
	}
	for _, e := range elements {
		if !isElement(e) {
			return ErrBadName
		}
	}
	return nil
}

// isElement reports whether e may name a file or a directory on every system, since recordings are copied between systems.
func isElement(e string) bool {
	switch {
	case e == "", len(e) > maxElement, e[0] == '.', isDevice(e):
		return false
	case strings.HasSuffix(e, "."), strings.HasSuffix(e, " "): // Windows removes these characters
		return false
	}
	return strings.IndexFunc(e, func(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune(`\:*?"<>|`, r) }) < 0
}

// isDevice reports whether Windows treats e as a device. It ignores everything after the first dot.
func isDevice(e string) bool {
	base, _, _ := strings.Cut(e, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	number, isPort := strings.CutPrefix(base, "COM")
	if !isPort {
		number, isPort = strings.CutPrefix(base, "LPT")
	}
	return isPort && utf8.RuneCountInString(number) == 1 && strings.ContainsAny(number, "0123456789¹²³")
}
