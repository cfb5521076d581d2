package flv

import (
	"fmt"
	"math"
	"time"

	"github.com/go-librtmp/rtmp/amf"
)

const (
	onMetaData = "onMetaData" // the name of metadata
	// setDataFrame precedes metadata that a server should keep and send to every player. It is meant for publishers only, but
	// some files contain it.
	setDataFrame = "@setDataFrame"
)

// ParseScript parses the body of a script tag or of an RTMP data message (AMF0): a name, usually "onMetaData", and the values after it. A
// leading "@setDataFrame" is dropped.
//
// If the body is damaged after the name, the name and the values before the damage are returned together with the error, an
// [*amf.DecodeError]. A missing name is an [*Error]. The results hold no views of body.
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
		e = &Error{Detail: "script data does not begin with a name", Value: fmt.Sprintf("%T", values[0])}
	}
	return "", nil, e
}

// decodeScript decodes all values. The key frame index of a long recording contains two numbers for each key frame, which may be more
// values than amf allows in a message. So the limit grows with the size of such an index.
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

// AppendScript appends the body of a script tag: the name, then the values, which are encoded as by [amf.AppendAMF0]. The error is an
// [*amf.EncodeError], and dst is then returned unchanged.
func AppendScript(dst []byte, name string, values ...any) ([]byte, error) {
	b, err := amf.AppendAMF0(amf.AppendString(dst, name), values...)
	if err != nil {
		return dst, err
	}
	return b, nil
}

// Duration returns the duration in metadata, or 0 if it is missing or invalid. It is the first property called "duration", in seconds.
// Nested objects and ECMA arrays are searched too, depth first, since some servers nest them.
func Duration(values ...any) time.Duration {
	d, _ := amf.Find("duration", values...)
	return seconds(d)
}

// seconds converts a number. NaN, negative numbers and numbers beyond the range of time.Duration (292 years) become 0.
func seconds(v any) time.Duration {
	f, ok := v.(float64)
	ns := f * float64(time.Second)
	if !ok || !(ns >= 0 && ns < math.MaxInt64) {
		return 0
	}
	return time.Duration(math.Round(ns))
}
