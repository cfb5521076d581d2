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

// record is the cache's information about one player. In the file it has five lines:
//
//	url: http://example.com/player.swf      without query
//	ctim: Fri, 20 Nov 2026 23:27:13 GMT     when the server was last asked
//	date: Fri, 20 Nov 2026 22:00:00 GMT     Last-Modified; may be empty
//	size: 000003f0                          hexadecimal
//	hash: 64 hexadecimal digits
//
// librtmp overwrites all lines but the first in place. The zero record means that the cache has no record.
type record struct {
	url      string
	checked  time.Time // zero if unknown
	modified time.Time // zero if unknown
	size     uint32
	hash     [32]byte
}

const urlLabel = "url: "

// noDate is written in place of an unknown date. If that line were empty, librtmp would later overwrite the size in the line after it. A
// server that is asked for changes since 1970 sends the file.
var noDate = time.Unix(0, 0)

// fresh reports whether r was confirmed less than age before now. A time in the future is not fresh.
func (r *record) fresh(now time.Time, age time.Duration) bool {
	if r.url == "" || r.checked.IsZero() || r.checked.After(now) {
		return false
	}
	return now.Sub(r.checked) < age
}

func (r *record) appendTo(dst []byte) []byte {
	modified := r.modified
	if modified.IsZero() {
		modified = noDate
	}
	return fmt.Appendf(dst, "%s%s\nctim: %s\ndate: %s\nsize: %08x\nhash: %x\n", urlLabel, r.url,
		r.checked.UTC().Format(http.TimeFormat), modified.UTC().Format(http.TimeFormat), r.size, r.hash)
}

// parseRecord returns false if a line is missing, or if the size or the hash is damaged. A damaged date only costs a request.
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

// parseTime parses an HTTP date (RFC 9110 section 5.6.7). An invalid date and noDate become the zero time.
func parseTime(s string) time.Time {
	t, err := http.ParseTime(s)
	if err != nil || t.Equal(noDate) {
		return time.Time{}
	}
	return t.UTC()
}

// splitRecords splits a cache file before each line that begins a record. The first block may be empty or contain other lines.
// The concatenation of the blocks is the file.
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

func blockURL(block []byte) string {
	line, _, _ := bytes.Cut(block, []byte("\n"))
	value, found := bytes.CutPrefix(line, []byte(urlLabel))
	if !found {
		return ""
	}
	return string(bytes.TrimRight(value, "\r")) // On Windows librtmp writes \r\n. Spaces are kept, since a URL may end in one.
}

// findRecord returns the first valid record with exactly this URL. librtmp compares only the host and the last path component,
// and so confuses players.
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

// replaceRecord replaces the first block that has r's URL with r and removes further ones.
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
