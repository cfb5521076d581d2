package vod

import (
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	extension   = ".flv"
	maxElement  = 255 // longest name in most file systems, in bytes
	maxElements = 32
	maxNumber   = 1 << 30 // of the files whose names differ only in a number
)

// numbered returns the name of the n-th file with a name, such as a-2.flv for the second a.flv.
func numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	return strings.TrimSuffix(name, extension) + "-" + strconv.Itoa(n) + extension
}

// unused returns a number after n that is not in use, although the number before it is. It is the first one, unless there are gaps. unused
// checks only about 2 log2(m) of the m numbers in use, since a stream may have thousands of recordings.
func unused(n int, used func(int) bool) int {
	step := 1
	for n+step < maxNumber && used(n+step) {
		step *= 2
	}
	step = min(step, maxNumber-n)
	last := n + step/2 // in use
	return last + 1 + sort.Search(n+step-last-1, func(i int) bool { return !used(last + 1 + i) })
}

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
