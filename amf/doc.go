// Package amf reads and writes AMF0 and AMF3, the value formats of RTMP commands,
// RTMP data messages and FLV script data.
//
// What a value looks like in Go:
//
//	AMF0                     decoded as      encoded from
//	number                   float64         every integer and float type
//	boolean                  bool            bool
//	string, long string      string          string
//	object                   Object          Object, maps, structs
//	null, unsupported        nil             nil, nil pointers, nil maps, nil slices
//	undefined                Undefined       Undefined
//	ECMA array               ECMAArray       ECMAArray
//	strict array             []any           slices and arrays
//	date                     time.Time       time.Time
//	XML document             XML             XML, XMLDocument
//	typed object             TypedObject     TypedObject
//	switch to AMF3           what follows    AVMPlus and the types below
//
//	AMF3 only                decoded as      encoded from
//	XMLDocument              XMLDocument     XMLDocument
//	byte array               ByteArray       ByteArray, []byte
//	vectors                  Vector[int32], Vector[uint32], Vector[float64], ObjectVector
//	dictionary               Dictionary      Dictionary
//	externalizable object    External, or what SetExternal says     Externalizable
//
// Object and ECMAArray keep the order of their members, because peers depend
// on it. Strings are byte strings: text that is not UTF-8 (old encoders send
// Latin-1) passes through unchanged in both directions.
//
// DecodeAMF0 reads a whole message body, Decoder one value at a time, and
// AppendAMF0 appends Go values; AppendNumber, AppendString and their like append
// one value without an interface conversion. Unmarshal and Assign store values
// in Go types. AMF3 occurs inside AMF0, and that is taken care of; DecodeAMF3
// and AppendAMF3 are for AMF3 on its own.
//
// # Hostile input
//
// Nothing that a peer sends can panic, overflow the stack or reserve more
// memory than a small multiple of its own length: nesting ends at MaxDepth, a
// message at MaxValues values, and every length and count is compared with the
// bytes that are left before anything is allocated. A reference is charged for
// everything that it refers to, circular references are refused, and class names
// never instantiate anything.
package amf
