package vod

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
)

const onMetaData = "onMetaData"

// finalProperties are the metadata properties whose values are known only at the end of a recording. A recording begins with placeholders
// for them, which are replaced when it is closed.
var finalProperties = [...]string{"duration", "filesize", "lasttimestamp"}

const filesize = 1 // index of "filesize" in finalProperties

// finalValues are the values of finalProperties. The durations are in seconds, the size in bytes.
type finalValues [len(finalProperties)]float64

func finalValuesOf(duration, size, last int64) finalValues {
	return finalValues{float64(duration) / 1000, float64(size), float64(last) / 1000}
}

// outdated are properties of a file that a publisher is playing to the server. They are left out, since they contain positions in that
// file.
var outdated = []string{
	"keyframes", "hasKeyframes", "datasize", "videosize", "audiosize", "lastkeyframetimestamp", "lastkeyframelocation", "canSeekToEnd",
}

// appendMetadata appends the body of a recording's metadata tag: first finalProperties, and then the properties in sent, the body of the
// publisher's metadata tag. sent is nil if the publisher has sent none.
func appendMetadata(dst, sent []byte) []byte {
	var all amf.ECMAArray
	for _, name := range finalProperties {
		all = append(all, amf.Property{Name: name, Value: 0.0})
	}
	_, values, _ := flv.ParseScript(sent) // if a value is invalid, the values before it are used
	if len(values) > 0 {
		for _, p := range amf.Members(values[0]) {
			if !slices.Contains(finalProperties[:], p.Name) && !slices.Contains(outdated, p.Name) {
				all = append(all, p)
			}
		}
	}
	body, err := flv.AppendScript(dst, onMetaData, all)
	if err != nil || len(body) > flv.MaxBodySize { // the publisher's values cannot be encoded, or exceed the limit
		body, _ = flv.AppendScript(dst, onMetaData, all[:len(finalProperties)])
	}
	return body
}

// property returns a property of an object or ECMA array, or nil.
func property(of any, name string) any {
	v, _ := amf.Members(of).Get(name)
	return v
}

// findNumbers returns, for each of finalProperties, the position of its eight bytes in a tag's body, or 0 if
// the property is missing.
func findNumbers(body []byte) (at [len(finalProperties)]int64) {
	const marker, size = 0, 8 // marker and size of a number in AMF0
	for i, name := range finalProperties {
		key := append(binary.BigEndian.AppendUint16(nil, uint16(len(name))), name...)
		key = append(key, marker)
		if n := bytes.Index(body, key); n >= 0 && n+len(key)+size <= len(body) {
			at[i] = int64(n + len(key))
		}
	}
	return at
}

// number returns the eight bytes of v as an AMF0 number.
func number(v float64) []byte {
	return binary.BigEndian.AppendUint64(nil, math.Float64bits(v))
}
