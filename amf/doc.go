// Package amf reads and writes AMF0 and AMF3, the value formats of RTMP commands, data messages and FLV script data.
//
// Values correspond to Go types as follows:
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
//	externalizable object    External, or as SetExternal says       Externalizable
//
// Object and ECMAArray keep the order of their members, because peers depend on it. Text that is not UTF-8, such as the Latin-1
// of old encoders, passes through unchanged in both directions.
//
// DecodeAMF0 reads a whole message body, a Decoder reads one value at a time, and AppendAMF0 appends Go values. AppendNumber,
// AppendString and similar functions append one value without an interface conversion. Unmarshal and Assign store values in Go
// types. All of them handle AMF3 values inside AMF0; DecodeAMF3 and AppendAMF3 are for AMF3 on its own.
//
// # Hostile input
//
// Nothing that a peer sends can cause a panic, a stack overflow or an allocation of more than a small multiple of its own
// length. Nesting is limited to MaxDepth and a message to MaxValues values, and every length and count is compared with the
// number of bytes left before anything is allocated. A reference costs as much as the value it refers to, circular references
// are refused, and class names never instantiate anything.
package amf
