package capturefile

import "encoding/binary"

const (
	maxDepth = 64
	maxKey   = 64 // size in bytes of the longest name that place.key can have; the rules have no longer ones
)

type values struct {
	b    []byte
	off  int
	text func(place, []byte) // called for each string; it may change the bytes in place
	name func([]byte)        // called for each name of a property; it may change the bytes in place
	data func(place)         // called for numbers, dates and other values that are not strings but may be private

	depth   int
	strings []string // the table of AMF3 strings to which references refer, as keys
	shared  int      // number of strings from earlier AMF3 values, which some writers keep in the table
	traits  []traits
	objects int
}

// place says where in the values a string is.
type place struct {
	arg int    // index of the top-level value that is or contains the string
	key string // name of the innermost property that is or contains the string; "" if there is none
}

// unknownKey stands for the name of a property that can't be determined, or is longer than maxKey.
const unknownKey = "?"

// keyOf returns a name as place.key. Its size is limited, since a reference to a long name takes one byte.
func keyOf(name []byte) string {
	if len(name) > maxKey {
		return unknownKey
	}
	return string(name)
}

type traits struct {
	sealed  []string
	dynamic bool
}

func (v *values) all() (ok bool) {
	for arg := 0; v.off < len(v.b); arg++ {
		if !v.value0(place{arg: arg}) {
			return false
		}
	}
	return true
}

// take returns the next n bytes, or nil if fewer than n are left.
func (v *values) take(n int) []byte {
	if n < 0 || n > len(v.b)-v.off {
		return nil
	}
	b := v.b[v.off : v.off+n : v.off+n]
	v.off += n
	return b
}

func (v *values) skip(n int) bool { return n == 0 || v.take(n) != nil }

// sized reads a string after its length, which has size bytes.
func (v *values) sized(size int) ([]byte, bool) {
	b := v.take(size)
	if b == nil {
		return nil, false
	}
	n := uint64(binary.BigEndian.Uint16(b))
	if size == 4 {
		n = uint64(binary.BigEndian.Uint32(b))
	}
	if n > uint64(len(v.b)-v.off) {
		return nil, false
	}
	return v.b[v.off : v.off+int(n)], v.skip(int(n))
}

func (v *values) number(at place, size int) bool {
	v.data(at)
	return v.skip(size)
}

// value0 walks through an AMF0 value (AMF 0 section 2).
func (v *values) value0(at place) bool {
	if v.depth++; v.depth > maxDepth {
		return false
	}
	defer func() { v.depth-- }()
	marker := v.take(1)
	if marker == nil {
		return false
	}
	switch marker[0] {
	case 0: // number
		return v.number(at, 8)
	case 1: // boolean
		return v.skip(1)
	case 2: // string
		return v.text0(at, 2)
	case 12, 15: // long string, XML
		return v.text0(at, 4)
	case 5, 6, 13: // null, undefined, unsupported
		return true
	case 7: // reference
		return v.skip(2)
	case 11: // date
		return v.number(at, 10)
	case 3: // object
		return v.members0(at)
	case 8: // ECMA array
		return v.skip(4) && v.members0(at)
	case 16: // typed object
		_, ok := v.sized(2)
		return ok && v.members0(at)
	case 10: // strict array
		return v.list0(at)
	case 17:
		v.shared = len(v.strings)
		return v.value3(at)
	}
	return false
}

func (v *values) text0(at place, size int) bool {
	text, ok := v.sized(size)
	if ok {
		v.text(at, text)
	}
	return ok
}

func (v *values) list0(at place) bool {
	b := v.take(4)
	if b == nil {
		return false
	}
	for n := binary.BigEndian.Uint32(b); n > 0; n-- {
		if !v.value0(at) {
			return false
		}
	}
	return true
}

func (v *values) members0(at place) bool {
	for {
		key, ok := v.sized(2)
		if !ok {
			return false
		}
		if len(key) == 0 && v.off < len(v.b) && v.b[v.off] == 9 {
			return v.skip(1)
		}
		at := place{at.arg, keyOf(key)}
		v.name(key)
		if !v.value0(at) {
			return false
		}
	}
}

// uint29 reads an AMF3 integer (AMF 3 section 1.3.1).
func (v *values) uint29() (n int, ok bool) {
	for i := range 4 {
		b := v.take(1)
		if b == nil {
			return 0, false
		}
		if i == 3 {
			return n<<8 | int(b[0]), true
		}
		n = n<<7 | int(b[0]&0x7F)
		if b[0]&0x80 == 0 {
			break
		}
	}
	return n, true
}

// string3 reads a string. key is the string as a key; inline is nil if the string is empty or a reference.
func (v *values) string3() (key string, inline []byte, ok bool) {
	n, ok := v.uint29()
	switch {
	case !ok:
		return "", nil, false
	case n&1 == 0:
		return v.referred(n >> 1), nil, true
	case n == 1:
		return "", nil, true
	}
	if inline = v.take(n >> 1); inline == nil {
		return "", nil, false
	}
	key = keyOf(inline)
	v.strings = append(v.strings, key)
	return key, inline, true
}

func (v *values) referred(n int) string {
	if v.shared > 0 || n >= len(v.strings) {
		return unknownKey
	}
	return v.strings[n]
}

// value3 walks through an AMF3 value (AMF 3 section 3).
func (v *values) value3(at place) bool {
	if v.depth++; v.depth > maxDepth {
		return false
	}
	defer func() { v.depth-- }()
	marker := v.take(1)
	if marker == nil {
		return false
	}
	switch marker[0] {
	case 0, 1, 2, 3: // undefined, null, false, true
		return true
	case 4: // integer
		_, ok := v.uint29()
		return ok && v.number(at, 0)
	case 5: // double
		return v.number(at, 8)
	case 6: // string
		_, inline, ok := v.string3()
		if inline != nil {
			v.text(at, inline)
		}
		return ok
	}
	bits, ok := v.uint29()
	if !ok {
		return false
	}
	if bits&1 == 0 { // a reference
		return bits>>1 < v.objects
	}
	v.objects++
	switch n := bits >> 1; marker[0] {
	case 7, 11, 12: // XML document, XML, byte array
		b := v.take(n)
		if b == nil {
			return false
		}
		v.text(at, b)
		return true
	case 8: // date
		return v.number(at, 8)
	case 9: // array
		return v.members3(at) && v.list3(at, n)
	case 10:
		return v.object3(at, bits)
	case 13, 14: // vectors of int and uint
		return v.skip(1) && v.number(at, 4*n)
	case 15: // vector of double
		return v.skip(1) && v.number(at, 8*n)
	case 16: // vector of objects
		if !v.skip(1) {
			return false
		}
		_, _, ok := v.string3()
		return ok && v.list3(at, n)
	case 17: // dictionary
		return v.skip(1) && v.list3(at, 2*n)
	}
	return false
}

func (v *values) list3(at place, n int) bool {
	for range n {
		if !v.value3(at) {
			return false
		}
	}
	return true
}

// members3 walks through pairs of a name and a value, up to an empty name.
func (v *values) members3(at place) bool {
	for {
		key, inline, ok := v.string3()
		if !ok || key == "" {
			return ok
		}
		if inline != nil {
			v.name(inline)
		}
		if !v.value3(place{at.arg, key}) {
			return false
		}
	}
}

func (v *values) object3(at place, bits int) bool {
	t, ok := v.traits3(bits)
	if !ok {
		return false
	}
	for _, key := range t.sealed {
		if !v.value3(place{at.arg, key}) {
			return false
		}
	}
	return !t.dynamic || v.members3(at)
}

func (v *values) traits3(bits int) (t traits, ok bool) {
	switch {
	case bits&2 == 0: // a reference
		if bits>>2 >= len(v.traits) {
			return t, false
		}
		return v.traits[bits>>2], true
	case bits&4 != 0: // an externalizable object, whose format depends on its class
		return t, false
	}
	t.dynamic = bits&8 != 0
	if _, _, ok := v.string3(); !ok { // the name of the class
		return t, false
	}
	for range bits >> 4 {
		key, inline, ok := v.string3()
		if !ok {
			return t, false
		}
		t.sealed = append(t.sealed, key)
		if inline != nil {
			v.name(inline)
		}
	}
	v.traits = append(v.traits, t)
	return t, true
}
