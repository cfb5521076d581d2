package main

import (
	"bufio"
	"crypto/subtle"
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/server"
)

// keys is a file with the keys that publishers need. A line has the form "app/name key". A line with "app/*" applies to all names that have
// no line of their own. Lines that begin with # are comments.
type keys struct {
	file    string
	entries atomic.Pointer[map[string][]string] // by path
}

func newKeys(file string) (*keys, error) {
	k := &keys{file: file}
	return k, k.reload()
}

// reload reads the file. If that fails, the old keys stay in use.
func (k *keys) reload() error {
	f, err := os.Open(k.file)
	if err != nil {
		return err
	}
	defer f.Close()
	entries := make(map[string][]string)
	lines := bufio.NewScanner(f)
	for number := 1; lines.Scan(); number++ {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) == 0 || strings.HasPrefix(fields[0], "#"):
		case len(fields) != 2 || !strings.Contains(fields[0], "/"):
			return fmt.Errorf("%s:%d: not a line \"app/name key\"", k.file, number) // without the line itself, which may contain a key
		default:
			entries[fields[0]] = append(entries[fields[0]], fields[1])
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", k.file, err)
	}
	k.entries.Store(&entries)
	return nil
}

// check returns an error if a publisher does not send the key of its stream. The key is a parameter of the name. In OBS the stream key is
// NAME?key=KEY.
func (k *keys) check(r *server.Request) error {
	entries := *k.entries.Load()
	valid, known := entries[r.Path]
	if !known {
		app, _, _ := strings.Cut(r.Path, "/")
		valid = entries[app+"/*"]
	}
	given, allowed := []byte(r.Query.Get("key")), 0
	for _, key := range valid {
		allowed |= subtle.ConstantTimeCompare(given, []byte(key))
	}
	if allowed == 0 {
		return server.Deny("wrong key")
	}
	return nil
}
