package flv

import (
	"fmt"
	"math"
	"time"

	"github.com/go-librtmp/rtmp/amf"
)

const (
	onMetaData = "onMetaData" // the name of metadata
	// setDataFrame precedes metadata that a server should send to every player. It is meant for publishers, but some files contain it.
	setDataFrame = "@setDataFrame"
)

// ParseScript parses the body of a script tag or of an RTMP data message (AMF0): a name, usually "onMetaData", and the values after it. A
// leading "@setDataFrame" is dropped.
//
// After damage the name and the values before it are returned with the error, an [*amf.DecodeError]. A missing name is an [*Error]. The
// results hold no views of body.
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

// decodeScript decodes all values. The key frame index of a long recording has two numbers for each key frame, so the limit for values
// grows with its size.
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

// AppendScript appends the body of a script tag: the name, then the values, encoded as by [amf.AppendAMF0]. The error is an
// [*amf.EncodeError]; dst is then returned unchanged.
func AppendScript(dst []byte, name string, values ...any) ([]byte, error) {
	b, err := amf.AppendAMF0(amf.AppendString(dst, name), values...)
	if err != nil {
		return dst, err
	}
	return b, nil
}

// Duration returns the first property called "duration", in seconds on the wire, or 0 if it is missing or invalid. It searches nested
// objects and ECMA arrays too, depth first, since some servers nest them.
func Duration(values ...any) time.Duration {
	d, _ := amf.Find("duration", values...)
	return seconds(d)
}

// seconds converts a number. NaN, negative numbers and those beyond time.Duration (292 years) become 0.
func seconds(v any) time.Duration {
	f, ok := v.(float64)
	ns := f * float64(time.Second)
	if !ok || !(ns >= 0 && ns < math.MaxInt64) {
		return 0
	}
	return time.Duration(math.Round(ns))
}
