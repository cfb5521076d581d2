package amf

// These types exist in AMF3 only. In an AMF0 message each is written after the marker that switches to AMF3 for one value, so
// the peer must have agreed to object encoding 3.

// AVMPlus makes AppendAMF0 write Value as AMF3, after the marker for it. Decoding returns the value itself, never an AVMPlus.
type AVMPlus struct{ Value any }

// XMLDocument is the text of a document of ActionScript's older XML class. AMF0 does not distinguish the two classes and
// decodes both as XML.
type XMLDocument string

// ByteArray is a sequence of bytes. In AMF3 a []byte is written as a ByteArray too; in AMF0 it is a strict array of numbers.
type ByteArray []byte

// Vector is a vector of int, uint or double. Fixed means that its length must not change.
type Vector[T int32 | uint32 | float64] struct {
	Fixed bool
	Items []T
}

// ObjectVector is a vector of any other type. Type is the class of its items; "*" and "" both mean any.
type ObjectVector struct {
	Type  string
	Fixed bool
	Items []any
}

// Dictionary is a map with keys of any type, in wire order. Weak means that the keys do not keep their objects alive.
type Dictionary struct {
	Weak    bool
	Entries []DictionaryEntry
}

// DictionaryEntry is one entry of a Dictionary.
type DictionaryEntry struct{ Key, Value any }
