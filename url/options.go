package url

import "strings"

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
		value, valid := decodeEscapes(value, '\\')
		if !valid {
			return "", nil, &Error{Detail: `a \ in an option's value needs two hex digits after it`, Value: name}
		}
		options = append(options, Option{Name: name, Value: value})
	}
	return rawURL, options, nil
}
