package swf

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// record is what the cache knows of one player. In the file it is five lines:
//
//	url: http://example.com/player.swf      without query
//	ctim: Fri, 20 Nov 2026 23:27:13 GMT     when the server was last asked
//	date: Fri, 20 Nov 2026 22:00:00 GMT     Last-Modified; may be empty
//	size: 000003f0                          hexadecimal
//	hash: 64 hexadecimal digits
//
// librtmp overwrites all lines but the first in place. A zero record stands for none.
type record struct {
	url      string
	checked  time.Time // zero: unknown
	modified time.Time // zero: unknown
	size     uint32
	hash     [32]byte
}

const urlLabel = "url: "

// never is the date written where librtmp leaves it empty: in an empty one there is no room for the date that librtmp puts
// there later, which then overwrites the size. A server asked whether its file has changed since 1970 sends the file.
var never = time.Unix(0, 0)

// fresh tells whether r is there and was confirmed within age before now. A time in the future proves nothing.
func (r *record) fresh(now time.Time, age time.Duration) bool {
	if r.url == "" || r.checked.IsZero() || r.checked.After(now) {
		return false
	}
	return now.Sub(r.checked) < age
}

func (r *record) appendTo(dst []byte) []byte {
	modified := r.modified
	if modified.IsZero() {
		modified = never
	}
	return fmt.Appendf(dst, "%s%s\nctim: %s\ndate: %s\nsize: %08x\nhash: %x\n", urlLabel, r.url,
		r.checked.UTC().Format(http.TimeFormat), modified.UTC().Format(http.TimeFormat), r.size, r.hash)
}

// parseRecord reads the lines of one record. It reports false if one is missing or the size or the hash is damaged: what can
// be told from a date is not worth more than asking the server again.
func parseRecord(block []byte) (record, bool) {
	r := record{url: blockURL(block)}
	if r.url == "" {
		return record{}, false
	}
	var fields [5]string
	for i, label := range [...]string{urlLabel, "ctim:", "date:", "size:", "hash:"} {
		line, rest, _ := bytes.Cut(block, []byte("\n"))
		value, found := strings.CutPrefix(string(line), label)
		if !found {
			return record{}, false
		}
		fields[i], block = strings.TrimSpace(value), rest
	}
	size, err := strconv.ParseUint(fields[3], 16, 32)
	if err != nil || size < headerSize {
		return record{}, false
	}
	hash, err := hex.DecodeString(fields[4])
	if err != nil || len(hash) != len(r.hash) {
		return record{}, false
	}
	r.size, r.hash = uint32(size), [32]byte(hash)
	r.checked, r.modified = parseTime(fields[1]), parseTime(fields[2])
	return r, true
}

// parseTime reads a date of HTTP's (RFC 9110 section 5.6.7). What is none, or stands for none, is zero.
func parseTime(s string) time.Time {
	t, err := http.ParseTime(s)
	if err != nil || t.Equal(never) {
		return time.Time{}
	}
	return t.UTC()
}

// splitRecords cuts a cache file before each line that begins a record. The first block may be something else, or empty; together the
// blocks are the file.
func splitRecords(file []byte) [][]byte {
	var blocks [][]byte
	start, next := 0, 0
	for line := range bytes.Lines(file) {
		if bytes.HasPrefix(line, []byte(urlLabel)) {
			blocks = append(blocks, file[start:next])
			start = next
		}
		next += len(line)
	}
	return append(blocks, file[start:])
}

// blockURL returns the URL that a block is about, "" if none.
func blockURL(block []byte) string {
	line, _, _ := bytes.Cut(block, []byte("\n"))
	value, found := bytes.CutPrefix(line, []byte(urlLabel))
	if !found {
		return ""
	}
	return string(bytes.TrimRight(value, "\r")) // Windows; a URL may end in a space
}

// findRecord returns the first sound record of exactly this URL. (librtmp compares only host and last component, and so
// takes one site's player.swf for another's.)
func findRecord(file []byte, url string) record {
	for _, block := range splitRecords(file) {
		if blockURL(block) != url {
			continue
		}
		if r, ok := parseRecord(block); ok {
			return r
		}
	}
	return record{}
}

// replaceRecord returns the file with r in the place of the first block about its URL, without the others about it, and with
// all else as it was.
func replaceRecord(file []byte, r record) []byte {
	var out []byte
	placed := false
	for _, block := range splitRecords(file) {
		if blockURL(block) != r.url {
			out = append(out, block...)
		} else if !placed {
			out = r.appendTo(out)
			placed = true
		}
	}
	if placed {
		return out
	}
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	return r.appendTo(out)
}
