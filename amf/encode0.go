package amf

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// AppendAMF0 appends values one after the other, as in a message body.
//
// The package comment lists how Go types are encoded. Integers beyond ±2^53 lose precision, since AMF0 has only doubles. A map
// must have keys of a string type and is written as an object sorted by name. A struct is written as an object of its exported
// fields, in order of declaration, under the names in their tags:
//
//	Code  string `amf0:"code"`
//	Level string `amf0:"level,omitempty"`  // left out when empty
//	Local string `amf0:"-"`                // never sent, never set
//	Name  string                           // without a tag: "Name"
//
// Types that only AMF3 has are written after the marker that switches to it. Repeated slices and objects are written out each
// time, never as references.
//
// The error is always an *EncodeError, and dst is then returned unchanged. Cyclic data is an error, because it is deeper than
// MaxDepth.
func AppendAMF0(dst []byte, values ...any) ([]byte, error) {
	out := dst
	for i, v := range values {
		var err *EncodeError
		if out, err = append0(out, v, 0); err != nil {
			return dst, err.within(elementStep(i))
		}
	}
	return out, nil
}

// append0 appends one value. depth is the number of containers around it.
func append0(dst []byte, v any, depth int) ([]byte, *EncodeError) {
	switch v := v.(type) {
	case nil:
		return AppendNull(dst), nil
	case float64:
		return AppendNumber(dst, v), nil
	case int:
		return AppendNumber(dst, float64(v)), nil
	case bool:
		return AppendBoolean(dst, v), nil
	case string:
		return appendText0(dst, v)
	case Object:
		return appendMembers0(AppendObjectStart(dst), v, depth)
	case ECMAArray:
		return appendMembers0(AppendECMAArrayStart(dst, uint32(len(v))), v, depth)
	case []any:
		return appendStrictArray(dst, v, depth)
	case TypedObject:
		return appendTypedObject(dst, v, depth)
	case time.Time:
		return appendDate0(dst, v)
	case []byte:
		return appendByteNumbers(dst, v), nil
	case XML:
		return appendXML0(dst, string(v))
	case XMLDocument:
		return appendXML0(dst, string(v))
	case UndefinedType:
		return AppendUndefined(dst), nil
	case AVMPlus:
		return appendAVMPlus(dst, v.Value, depth)
	case ByteArray, Vector[int32], Vector[uint32], Vector[float64], ObjectVector, Dictionary, Externalizable:
		return appendAVMPlus(dst, v, depth)
	default:
		reduced, err := reduce(v)
		if err != nil {
			return dst, err
		}
		return append0(dst, reduced, depth)
	}
}

func appendText0(dst []byte, s string) ([]byte, *EncodeError) {
	if err := checkLength("string", s, math.MaxUint32); err != nil {
		return dst, err
	}
	return AppendString(dst, s), nil
}

func appendXML0(dst []byte, s string) ([]byte, *EncodeError) {
	if err := checkLength("XML document", s, math.MaxUint32); err != nil {
		return dst, err
	}
	return appendLongText(append(dst, markerXML), s), nil
}

// appendAVMPlus switches to AMF3 for one value.
func appendAVMPlus(dst []byte, v any, depth int) ([]byte, *EncodeError) {
	return newEncoder3().value(append(dst, markerAVMPlus), v, depth)
}

// appendByteNumbers appends bytes as an array of numbers, since AMF0 has no byte arrays.
func appendByteNumbers(dst, b []byte) []byte {
	if b == nil {
		return AppendNull(dst)
	}
	dst = AppendStrictArrayStart(dst, uint32(len(b)))
	for _, n := range b {
		dst = AppendNumber(dst, float64(n))
	}
	return dst
}

func appendMembers0(dst []byte, members []Property, depth int) ([]byte, *EncodeError) {
	err := checkDepth(depth)
	if err != nil {
		return dst, err
	}
	for _, m := range members {
		if err := checkLength("member name", m.Name, maxShortString); err != nil {
			return dst, err
		}
		if dst, err = append0(AppendKey(dst, m.Name), m.Value, depth+1); err != nil {
			return dst, err.within(memberStep(m.Name))
		}
	}
	return AppendObjectEnd(dst), nil
}

func appendStrictArray(dst []byte, list []any, depth int) ([]byte, *EncodeError) {
	if list == nil {
		return AppendNull(dst), nil
	}
	err := checkDepth(depth)
	if err != nil {
		return dst, err
	}
	dst = AppendStrictArrayStart(dst, uint32(len(list)))
	for i, v := range list {
		if dst, err = append0(dst, v, depth+1); err != nil {
			return dst, err.within(elementStep(i))
		}
	}
	return dst, nil
}

func appendTypedObject(dst []byte, o TypedObject, depth int) ([]byte, *EncodeError) {
	if err := checkLength("class name", o.Class, maxShortString); err != nil {
		return dst, err
	}
	return appendMembers0(AppendKey(append(dst, markerTypedObject), o.Class), o.Object, depth)
}

// appendDate0 appends milliseconds since 1970 and a time zone of 0, which readers ignore.
//
//	+----+-----------------------+---------------+
//	| 0B | IEEE double (8 bytes) | time zone (2) |
//	+----+-----------------------+---------------+
func appendDate0(dst []byte, t time.Time) ([]byte, *EncodeError) {
	ms, err := checkDate(t)
	if err != nil {
		return dst, err
	}
	return binary.BigEndian.AppendUint16(appendDouble(append(dst, markerDate), ms), 0), nil
}

func checkDate(t time.Time) (ms float64, err *EncodeError) {
	ms, ok := dateToMillis(t)
	if !ok {
		return 0, &EncodeError{Detail: "time beyond the range of a date", Value: t}
	}
	return ms, nil
}

func checkDepth(depth int) *EncodeError {
	if depth >= MaxDepth {
		return &EncodeError{Detail: "nested deeper than allowed", Value: MaxDepth}
	}
	return nil
}

// checkLength takes a limit of 64 bits, since 4 GiB do not fit in an int of 32 bits.
func checkLength(what, s string, limit uint64) *EncodeError {
	if uint64(len(s)) > limit {
		return &EncodeError{Detail: what + " longer than " + fmt.Sprint(limit) + " bytes", Value: len(s)}
	}
	return nil
}
