package amf

// The types that only AMF3 has. In an AMF0 message each is written after the
// marker that switches to AMF3 for one value, so it takes a peer that has agreed
// to object encoding 3.

// AVMPlus makes AppendAMF0 write Value in AMF3, after the marker that switches
// to AMF3 for one value. Decoding yields what is inside, not an AVMPlus.
type AVMPlus struct{ Value any }

// XMLDocument is the text of a document of ActionScript's older XML class,
// which AMF3 tells from XML. AMF0 has one type for both and decodes it as XML.
type XMLDocument string

// ByteArray is bytes. In AMF3 a []byte is written as one too; in AMF0 a []byte
// is a strict array of numbers.
type ByteArray []byte

// Vector is a vector of int, uint or double. Fixed means that its length cannot
// be changed.
type Vector[T int32 | uint32 | float64] struct {
	Fixed bool
	Items []T
}

// ObjectVector is a vector of any other type. Type is the class of its items;
// "*" and "" both mean any.
type ObjectVector struct {
	Type  string
	Fixed bool
	Items []any
}

// Dictionary is a map whose keys may be of any type, in wire order. Weak means
// that the keys do not keep their objects alive.
type Dictionary struct {
	Weak    bool
	Entries []DictionaryEntry
}

// DictionaryEntry is one entry of a Dictionary.
type DictionaryEntry struct{ Key, Value any }
