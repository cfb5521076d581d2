package url

import (
	"errors"
	"strconv"
	"strings"
)

// Option is a name=value pair after a URL. The escapes of the value have been decoded.
type Option struct{ Name, Value string }

// SplitOptions splits "URL name=value name=value ..." as librtmp's RTMP_SetupURL does. Options are separated by spaces, a token
// without = ends the list, and \xx with two hex digits stands for a byte of a value (\20 is a space, \5c a backslash). The URL
// itself is not parsed; see [Parse]. Errors are of type *Error.
func SplitOptions(text string) (rawURL string, options []Option, err error) {
	rawURL, tail, found := strings.Cut(text, " ")
	if found && strings.HasPrefix(tail, " ") {
		return "", nil, &Error{Detail: "more than one space after the URL"}
	}
	for token := range strings.FieldsFuncSeq(tail, func(r rune) bool { return r == ' ' }) {
		name, value, found := strings.Cut(token, "=")
		if !found {
			break
		}
		value, err := unescapeValue(value)
		if err != nil {
			return "", nil, &Error{Detail: err.Error(), Value: name}
		}
		options = append(options, Option{Name: name, Value: value})
	}
	return rawURL, options, nil
}

var errEscape = errors.New(`a \ in an option's value needs two hex digits after it`)

func unescapeValue(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", errEscape
		}
		v, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", errEscape
		}
		b.WriteByte(byte(v))
		i += 2
	}
	return b.String(), nil
}
