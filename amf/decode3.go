package amf

import (
	"encoding/binary"
	"math"
	"strconv"
)

// AMF3 type markers (AMF 3 specification, section 3.1).
const (
	marker3Undefined    = 0x00
	marker3Null         = 0x01
	marker3False        = 0x02
	marker3True         = 0x03
	marker3Integer      = 0x04
	marker3Double       = 0x05
	marker3String       = 0x06
	marker3XMLDocument  = 0x07
	marker3Date         = 0x08
	marker3Array        = 0x09
	marker3Object       = 0x0A
	marker3XML          = 0x0B
	marker3ByteArray    = 0x0C
	marker3VectorInt    = 0x0D
	marker3VectorUint   = 0x0E
	marker3VectorDouble = 0x0F
	marker3VectorObject = 0x10
	marker3Dictionary   = 0x11
)

func (d *Decoder) value3() (any, error) {
	at := d.in.off
	marker, err := d.in.u8("value")
	if err != nil {
		return nil, err
	}
	if err := d.charge(1, at); err != nil {
		return nil, err
	}
	switch marker {
	case marker3Undefined:
		return Undefined, nil
	case marker3Null:
		return nil, nil
	case marker3False:
		return false, nil
	case marker3True:
		return true, nil
	case marker3Integer:
		u, err := d.in.u29("integer")
		return float64(signed(u)), err
	case marker3Double:
		return boxed(d.in.double("double"))
	case marker3String:
		return boxed(d.string3("string"))
	case marker3Array, marker3Object, marker3VectorObject, marker3Dictionary:
		return d.container3(marker, at)
	default:
		return d.leaf3(marker, at)
	}
}

// string3 reads a string without its marker:
//
//	| length << 1 + 1 (U29) | bytes |  or  | index << 1 (U29) |
//
// The index is the position in the list of the strings read so far, which does not contain the empty string.
func (d *Decoder) string3(what string) (string, error) {
	at := d.in.off
	u, err := d.in.u29(what)
	if err != nil {
		return "", err
	}
	if u&1 == 0 {
		known := d.tables3.stringsOfScope()
		if uint64(u>>1) >= uint64(len(known)) {
			return "", noTarget("string", u>>1, at)
		}
		s := known[u>>1]
		return s, d.chargeReferred(len(s), at)
	}
	s, err := d.in.text(u>>1, what)
	if err == nil && s != "" {
		d.tables3.strings = append(d.tables3.strings, s)
	}
	return s, err
}

// reference3 reads the U29 that begins every value of the object table. If its lowest bit is 0 it is a reference: v is the
// earlier value, and done is true. Otherwise bits holds the remaining bits: a length, a count or flags.
func (d *Decoder) reference3(at int) (bits uint32, v any, done bool, err error) {
	u, err := d.in.u29("value")
	if err != nil {
		return 0, nil, false, err
	}
	if u&1 == 0 {
		v, err = d.resolve(d.tables3.objectsOfScope(), u>>1, at)
		return 0, v, true, err
	}
	return u >> 1, nil, false, nil
}

// leaf3 reads a value that can be referred to and contains no other values.
func (d *Decoder) leaf3(marker byte, at int) (any, error) {
	if marker < marker3XMLDocument || marker > marker3VectorDouble {
		return nil, &DecodeError{Offset: at, Detail: "unknown AMF3 marker", Value: marker}
	}
	n, v, done, err := d.reference3(at)
	if err != nil || done {
		return v, err
	}
	switch marker {
	case marker3XMLDocument:
		var text string
		text, err = d.in.text(n, "XML document")
		v = XMLDocument(text)
	case marker3XML:
		var text string
		text, err = d.in.text(n, "XML")
		v = XML(text)
	case marker3Date: // a date has no length: n is unused
		var ms float64
		ms, err = d.in.double("date")
		v = dateFromMillis(ms)
	case marker3ByteArray:
		var view []byte
		view, err = d.in.take(n, "byte array")
		v = ByteArray(append([]byte{}, view...))
	case marker3VectorInt:
		v, err = boxed(vector3(d, n, 4, func(b []byte) int32 { return int32(binary.BigEndian.Uint32(b)) }))
	case marker3VectorUint:
		v, err = boxed(vector3(d, n, 4, binary.BigEndian.Uint32))
	case marker3VectorDouble:
		v, err = boxed(vector3(d, n, 8, func(b []byte) float64 { return math.Float64frombits(binary.BigEndian.Uint64(b)) }))
	}
	if err != nil {
		return nil, err
	}
	d.tables3.objects = append(d.tables3.objects, entry{value: v, bytes: d.in.off - at})
	return v, nil
}

// vector3 reads the rest of a vector of n items of size bytes each:
//
//	| fixed (1) | items (n * size) |
func vector3[T int32 | uint32 | float64](d *Decoder, n, size uint32, item func([]byte) T) (Vector[T], error) {
	fixed, err := d.in.u8("vector")
	if err != nil {
		return Vector[T]{}, err
	}
	view, err := d.in.take(n*size, "vector") // below 2^32: n has 28 bits
	if err != nil {
		return Vector[T]{}, err
	}
	items := make([]T, n)
	for i := range items {
		items[i] = item(view[i*int(size):])
	}
	return Vector[T]{Fixed: fixed != 0, Items: items}, nil
}

// container3 reads a value that can be referred to and contains other values.
func (d *Decoder) container3(marker byte, at int) (any, error) {
	bits, v, done, err := d.reference3(at)
	if err != nil || done {
		return v, err
	}
	f, err := d.open(&d.tables3.objects, at)
	if err != nil {
		return nil, err
	}
	switch marker {
	case marker3Array:
		v, err = d.array3(bits, at)
	case marker3Object:
		v, err = d.object3(bits, at)
	case marker3VectorObject:
		v, err = boxed(d.objectVector3(bits, at))
	case marker3Dictionary:
		v, err = boxed(d.dictionary3(bits, at))
	}
	if err != nil {
		return nil, err
	}
	return d.close(d.tables3.objects, f, v), nil
}

// array3 reads named items up to an empty name, and then count more items.
func (d *Decoder) array3(count uint32, at int) (any, error) {
	named, err := d.members3([]Property{})
	if err != nil {
		return nil, err
	}
	dense, err := d.list(count, at, d.value3)
	if err != nil {
		return nil, err
	}
	if len(named) == 0 {
		return dense, nil
	}
	for i, v := range dense {
		named = append(named, Property{strconv.Itoa(i), v})
	}
	return ECMAArray(named), nil
}

func (d *Decoder) members3(members []Property) ([]Property, error) {
	for {
		name, err := d.string3("member name")
		if err != nil || name == "" {
			return members, err
		}
		v, err := d.value3()
		if err != nil {
			return nil, err
		}
		members = append(members, Property{name, v})
	}
}

// objectVector3 reads the rest of a vector of count items:
//
//	| fixed (1) | type name (string) | values |
func (d *Decoder) objectVector3(count uint32, at int) (v ObjectVector, err error) {
	fixed, err := d.in.u8("vector")
	if err != nil {
		return v, err
	}
	v.Fixed = fixed != 0
	if v.Type, err = d.string3("vector type"); err != nil {
		return v, err
	}
	v.Items, err = d.list(count, at, d.value3)
	return v, err
}

// dictionary3 reads the rest of a dictionary of count entries:
//
//	| weak keys (1) | key, value | key, value | ...
func (d *Decoder) dictionary3(count uint32, at int) (v Dictionary, err error) {
	weak, err := d.in.u8("dictionary")
	if err != nil {
		return v, err
	}
	if uint64(count)*2 > uint64(d.in.left()) {
		return v, &DecodeError{Offset: at, Detail: "more entries than bytes left", Value: count}
	}
	v = Dictionary{Weak: weak != 0, Entries: []DictionaryEntry{}}
	for range count {
		var e DictionaryEntry
		if e.Key, err = d.value3(); err != nil {
			return v, err
		}
		if e.Value, err = d.value3(); err != nil {
			return v, err
		}
		v.Entries = append(v.Entries, e)
	}
	return v, nil
}
