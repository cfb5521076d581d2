package amf

import (
	"encoding/binary"
	"math"
	"reflect"
	"strconv"
	"time"
)

// AppendAMF3 appends values in AMF3, without any AMF0 around them. To send an AMF3 value inside an AMF0 message, pass an
// AVMPlus to AppendAMF0.
//
// Go types are encoded as by AppendAMF0, with these differences. Whole numbers of up to 29 bits are written as integers, and a
// []byte as a ByteArray. An Object, a map or a struct is written as an anonymous object with dynamic members, a TypedObject
// with sealed members. An ECMAArray ends with numbered items if its last names are "0", "1" and so on; its other names must not
// be empty. Repeated strings, class names and sealed member names are written as references. Each value has its own reference
// tables.
//
// The error is always an *EncodeError, and dst is then returned unchanged.
func AppendAMF3(dst []byte, values ...any) ([]byte, error) {
	out := dst
	for i, v := range values {
		var err *EncodeError
		if out, err = newEncoder3().value(out, v, 0); err != nil {
			return dst, err.within(elementStep(i))
		}
	}
	return out, nil
}

// encoder3 holds the reference tables of one outermost value: indices by string, and by the encoded bytes of traits.
type encoder3 struct {
	stringIndex map[string]uint32
	traitsIndex map[string]uint32
}

func newEncoder3() *encoder3 {
	return &encoder3{stringIndex: map[string]uint32{}, traitsIndex: map[string]uint32{}}
}

// value appends one value. depth is the number of containers around it.
func (e *encoder3) value(dst []byte, v any, depth int) ([]byte, *EncodeError) {
	switch v := v.(type) {
	case nil:
		return append(dst, marker3Null), nil
	case UndefinedType:
		return append(dst, marker3Undefined), nil
	case bool:
		if v {
			return append(dst, marker3True), nil
		}
		return append(dst, marker3False), nil
	case float64:
		return appendNumber3(dst, v), nil
	case string:
		return e.string(append(dst, marker3String), v)
	case XML:
		return appendBytes3(append(dst, marker3XML), v)
	case XMLDocument:
		return appendBytes3(append(dst, marker3XMLDocument), v)
	case ByteArray:
		return appendBytes3(append(dst, marker3ByteArray), v)
	case []byte:
		if v == nil {
			return append(dst, marker3Null), nil
		}
		return appendBytes3(append(dst, marker3ByteArray), v)
	case time.Time:
		ms, err := checkDate(v)
		if err != nil {
			return dst, err
		}
		return appendDouble(append(dst, marker3Date, 1), ms), nil
	case Vector[int32]:
		return appendVector3(append(dst, marker3VectorInt), v, appendInt32)
	case Vector[uint32]:
		return appendVector3(append(dst, marker3VectorUint), v, binary.BigEndian.AppendUint32)
	case Vector[float64]:
		return appendVector3(append(dst, marker3VectorDouble), v, appendDouble)
	case Externalizable:
		if isNilPointer(v) {
			return append(dst, marker3Null), nil
		}
		return e.external(append(dst, marker3Object), v, depth)
	case AVMPlus: // An AVMPlus adds no level on the wire, but in Go it may contain itself.
		if err := checkDepth(depth); err != nil {
			return dst, err
		}
		return e.value(dst, v.Value, depth+1)
	case []any, Object, ECMAArray, TypedObject, ObjectVector, Dictionary:
		return e.container(dst, v, depth)
	default:
		reduced, err := reduce(v)
		if err != nil {
			return dst, err
		}
		return e.value(dst, reduced, depth)
	}
}

func (e *encoder3) container(dst []byte, v any, depth int) ([]byte, *EncodeError) {
	if err := checkDepth(depth); err != nil {
		return dst, err
	}
	switch v := v.(type) {
	case []any:
		if v == nil {
			return append(dst, marker3Null), nil
		}
		return e.list(append(dst, marker3Array), v, nil, depth)
	case ECMAArray:
		named, dense := splitArray(v)
		return e.list(append(dst, marker3Array), dense, named, depth)
	case Object:
		return e.object(append(dst, marker3Object), v, depth)
	case TypedObject:
		return e.sealed(append(dst, marker3Object), v, depth)
	case ObjectVector:
		return e.objectVector(append(dst, marker3VectorObject), v, depth)
	case Dictionary:
		return e.dictionary(append(dst, marker3Dictionary), v, depth)
	default: // value passes no other types
		return dst, nil
	}
}

func isNilPointer(v any) bool {
	rv := reflect.ValueOf(v)
	return rv.Kind() == reflect.Pointer && rv.IsNil()
}

// appendNumber3 appends f as an integer if it is one in range, as Flash Player does, and otherwise as a double. -0 is written as a double,
// since an integer has no negative zero.
func appendNumber3(dst []byte, f float64) []byte {
	if f >= minInteger && f <= maxInteger && f == math.Trunc(f) && !(f == 0 && math.Signbit(f)) {
		return appendU29(append(dst, marker3Integer), uint32(int32(f))&maxU29)
	}
	return appendDouble(append(dst, marker3Double), f)
}

func appendInt32(dst []byte, i int32) []byte { return binary.BigEndian.AppendUint32(dst, uint32(i)) }

// appendCount appends a length or count, with the bit that distinguishes it from a reference.
func appendCount(dst []byte, what string, n int) ([]byte, *EncodeError) {
	if n > maxU28 {
		return dst, &EncodeError{Detail: what + " longer than allowed", Value: n}
	}
	return appendU29(dst, uint32(n)<<1|1), nil
}

func appendBytes3[T XML | XMLDocument | ByteArray | []byte](dst []byte, b T) ([]byte, *EncodeError) {
	dst, err := appendCount(dst, "XML or byte array", len(b))
	return append(dst, b...), err
}

func (e *encoder3) string(dst []byte, s string) ([]byte, *EncodeError) {
	if index, ok := e.stringIndex[s]; ok {
		return appendU29(dst, index<<1), nil
	}
	if s != "" && len(e.stringIndex) < maxU28 {
		e.stringIndex[s] = uint32(len(e.stringIndex))
	}
	dst, err := appendCount(dst, "string", len(s))
	return append(dst, s...), err
}

func appendVector3[T int32 | uint32 | float64](
	dst []byte, v Vector[T], appendItem func([]byte, T) []byte,
) ([]byte, *EncodeError) {
	dst, err := appendCount(dst, "vector", len(v.Items))
	dst = append(dst, flag(v.Fixed))
	for _, item := range v.Items {
		dst = appendItem(dst, item)
	}
	return dst, err
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// list appends an array: the number of dense items, the named items, an empty name, and the dense items.
func (e *encoder3) list(dst []byte, dense []any, named []Property, depth int) ([]byte, *EncodeError) {
	dst, err := appendCount(dst, "array", len(dense))
	if err != nil {
		return dst, err
	}
	for _, m := range named {
		if m.Name == "" {
			return dst, &EncodeError{Detail: "an AMF3 array has no item with an empty name", Value: len(named)}
		}
	}
	if dst, err = e.members(dst, named, depth); err != nil {
		return dst, err
	}
	return e.items(dst, dense, depth)
}

func (e *encoder3) items(dst []byte, items []any, depth int) ([]byte, *EncodeError) {
	for i, v := range items {
		var err *EncodeError
		if dst, err = e.value(dst, v, depth+1); err != nil {
			return dst, err.within(elementStep(i))
		}
	}
	return dst, nil
}

// members appends names and values, and the empty name that ends them.
func (e *encoder3) members(dst []byte, members []Property, depth int) ([]byte, *EncodeError) {
	for _, m := range members {
		var err *EncodeError
		if dst, err = e.string(dst, m.Name); err != nil {
			return dst, err
		}
		if dst, err = e.value(dst, m.Value, depth+1); err != nil {
			return dst, err.within(memberStep(m.Name))
		}
	}
	return e.string(dst, "")
}

// splitArray separates the items "0", "1" and so on at the end of an array from the items before them. An array with only
// numbered items is not split: it would be decoded as a []any.
func splitArray(a ECMAArray) (named []Property, dense []any) {
	if len(a) == 0 {
		return nil, nil
	}
	last, err := strconv.Atoi(a[len(a)-1].Name)
	if err != nil || last < 0 || last+1 >= len(a) {
		return a, nil
	}
	first := len(a) - 1 - last
	for i, m := range a[first:] {
		if m.Name != strconv.Itoa(i) {
			return a, nil
		}
		dense = append(dense, m.Value)
	}
	return a[:first], dense
}

// object appends an anonymous object. Dynamic members cannot have an empty name, sealed ones can.
func (e *encoder3) object(dst []byte, o Object, depth int) ([]byte, *EncodeError) {
	if _, ok := o.Get(""); ok {
		return e.sealed(dst, TypedObject{Object: o}, depth)
	}
	dst, err := e.traits(dst, traits{dynamic: true})
	if err != nil {
		return dst, err
	}
	return e.members(dst, o, depth)
}

func (e *encoder3) sealed(dst []byte, o TypedObject, depth int) ([]byte, *EncodeError) {
	t := traits{class: o.Class, names: make([]string, len(o.Object))}
	for i, m := range o.Object {
		t.names[i] = m.Name
	}
	dst, err := e.traits(dst, t)
	if err != nil {
		return dst, err
	}
	for _, m := range o.Object {
		if dst, err = e.value(dst, m.Value, depth+1); err != nil {
			return dst, err.within(memberStep(m.Name))
		}
	}
	return dst, nil
}

// traits appends the U29 that begins an object, and the traits unless they have been written before.
func (e *encoder3) traits(dst []byte, t traits) ([]byte, *EncodeError) {
	const maxSealed = maxU29 >> 4
	if len(t.names) > maxSealed {
		return dst, &EncodeError{Detail: "more sealed members than allowed", Value: len(t.names)}
	}
	bits := uint32(len(t.names))<<4 | uint32(flag(t.dynamic))<<3 | uint32(flag(t.external))<<2 | 3
	key := t.key(bits)
	if index, ok := e.traitsIndex[key]; ok {
		return appendU29(dst, index<<2|1), nil
	}
	if len(e.traitsIndex) < maxU29>>2 {
		e.traitsIndex[key] = uint32(len(e.traitsIndex))
	}
	dst, err := e.string(appendU29(dst, bits), t.class)
	for _, name := range t.names {
		if err == nil {
			dst, err = e.string(dst, name)
		}
	}
	return dst, err
}

// key returns a map key. Only equal traits have equal keys.
func (t traits) key(bits uint32) string {
	key := binary.BigEndian.AppendUint32(nil, bits)
	for _, name := range append([]string{t.class}, t.names...) {
		key = append(binary.BigEndian.AppendUint64(key, uint64(len(name))), name...)
	}
	return string(key)
}

func (e *encoder3) objectVector(dst []byte, v ObjectVector, depth int) ([]byte, *EncodeError) {
	dst, err := appendCount(dst, "vector", len(v.Items))
	if err != nil {
		return dst, err
	}
	if dst, err = e.string(append(dst, flag(v.Fixed)), v.Type); err != nil {
		return dst, err
	}
	return e.items(dst, v.Items, depth)
}

func (e *encoder3) dictionary(dst []byte, v Dictionary, depth int) ([]byte, *EncodeError) {
	dst, err := appendCount(dst, "dictionary", len(v.Entries))
	if err != nil {
		return dst, err
	}
	dst = append(dst, flag(v.Weak))
	for i, entry := range v.Entries {
		for _, part := range []any{entry.Key, entry.Value} {
			if dst, err = e.value(dst, part, depth+1); err != nil {
				return dst, err.within(elementStep(i))
			}
		}
	}
	return dst, nil
}
