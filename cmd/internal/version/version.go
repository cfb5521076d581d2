// Package version finds the version of a command.
package version

import "runtime/debug"

// Version returns the version of the module that the command was built from, or "unknown".
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
