package flv

import (
	"fmt"
	"math"
	"time"

	"github.com/go-librtmp/rtmp/amf"
)

const (
	onMetaData = "onMetaData" // the name of metadata
	// setDataFrame is what publishers put in front of metadata that a server shall keep and give to every player. It belongs
	// on the wire, but is found in files too.
	setDataFrame = "@setDataFrame"
)

// ParseScript reads the body of a script tag or of an RTMP data message (AMF0): a name, "onMetaData" in most cases, and the
// values after it. A leading "@setDataFrame" is dropped.
//
// When the body is damaged after the name, name and the values up to there are returned together with the error, an
// [*amf.DecodeError]. A body without a name is an [*Error]. Nothing of what it returns is a view.
func ParseScript(body []byte) (name string, values []any, err error) {
	values, err = decodeScript(body)
	if len(values) > 0 && values[0] == setDataFrame {
		values = values[1:]
	}
	if len(values) > 0 {
		if name, ok := values[0].(string); ok {
			return name, values[1:], err
		}
	}
	if err != nil {
		return "", nil, err
	}
	e := &Error{Detail: "script data has no name"}
	if len(values) > 0 {
		e = &Error{Detail: "script data begins with another type than a name's", Value: fmt.Sprintf("%T", values[0])}
	}
	return "", nil, e
}

// decodeScript reads all values. The index of key frames in a long recording has more of them than amf allows a message: two
// numbers for each key frame. They are what the limit is raised for, so it grows with their size.
func decodeScript(body []byte) (values []any, err error) {
	const numberSize = 9 // bytes
	limit := len(body) / numberSize
	if limit <= amf.MaxValues {
		return amf.DecodeAMF0(body)
	}
	d := amf.NewDecoder(body)
	d.SetMaxValues(limit)
	for d.More() {
		v, err := d.Decode()
		if err != nil {
			return values, err
		}
		values = append(values, v)
	}
	return values, nil
}

// AppendScript appends the body of a script tag: name, then values. The values may be what [amf.AppendAMF0] takes. On an
// error, an [*amf.EncodeError], dst comes back as it was.
func AppendScript(dst []byte, name string, values ...any) ([]byte, error) {
	b, err := amf.AppendAMF0(amf.AppendString(dst, name), values...)
	if err != nil {
		return dst, err
	}
	return b, nil
}

// Duration returns the running time that metadata tells, 0 if it tells none or one that cannot be. It is the first property
// called "duration", in seconds, wherever it is among the values: each object and ECMA array is searched to the bottom
// before what follows it, since some servers nest them.
func Duration(values ...any) time.Duration {
	for _, v := range values {
		if d, ok := findDuration(v, amf.MaxDepth); ok {
			return d
		}
	}
	return 0
}

func findDuration(v any, depth int) (d time.Duration, found bool) {
	if depth == 0 {
		return 0, false
	}
	for _, m := range members(v) {
		if m.Name == "duration" {
			return seconds(m.Value), true
		}
		if d, found = findDuration(m.Value, depth-1); found {
			return d, true
		}
	}
	return 0, false
}

// members returns what an object or ECMA array consists of. Metadata comes as either.
func members(v any) []amf.Property {
	switch v := v.(type) {
	case amf.Object:
		return v
	case amf.ECMAArray:
		return v
	case amf.TypedObject:
		return v.Object
	}
	return nil
}

// seconds converts a number. NaN, negative numbers and those beyond the range of time.Duration (292 years) become 0.
func seconds(v any) time.Duration {
	f, ok := v.(float64)
	ns := f * float64(time.Second)
	if !ok || !(ns >= 0 && ns < math.MaxInt64) {
		return 0
	}
	return time.Duration(math.Round(ns))
}
