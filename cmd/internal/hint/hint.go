// Package hint translates the advice in the library's errors, which names fields of Options, for users of a command.
package hint

import "strings"

// Replacer returns a Replacer for texts of errors and logs. pairs are the names of the command's options, each after the library's.
func Replacer(pairs ...string) *strings.Replacer {
	return strings.NewReplacer(append(pairs,
		", or set PublishUser and PublishPassword", "",
		"to TLSConfig.RootCAs, or to the file", "to the file",
		", or as TLSConfig.ServerName", "",
	)...)
}
