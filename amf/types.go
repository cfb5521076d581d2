package amf

// MaxDepth is how many containers (objects and arrays) may be nested in each
// other, when decoding and when encoding.
const MaxDepth = 64

// MaxValues is how many values one message may hold unless
// Decoder.SetMaxValues says otherwise. Every member and element counts, and a
// reference counts as much as what it refers to.
const MaxValues = 65536

// Property is one member of an Object or of an ECMAArray.
type Property struct {
	Name  string
	Value any
}

// Object is an anonymous AMF object: named members in wire order. The nil
// Object is an empty object, not null.
type Object []Property

// ECMAArray is an associative array: written by encoders where names are data
// rather than a fixed set, most prominently in onMetaData. The nil ECMAArray is
// an empty array, not null.
type ECMAArray []Property

// Get returns the member called name. Where a name is repeated the last member
// wins, as in Flash Player.
func (o Object) Get(name string) (any, bool) { return lookup(o, name) }

// Get returns the member called name. Where a name is repeated the last member
// wins, as in Flash Player.
func (a ECMAArray) Get(name string) (any, bool) { return lookup(a, name) }

func lookup(members []Property, name string) (any, bool) {
	for i := len(members) - 1; i >= 0; i-- {
		if members[i].Name == name {
			return members[i].Value, true
		}
	}
	return nil, false
}

// TypedObject is an instance of a class that the application has registered
// under an alias. Nothing is ever instantiated by that name: the members are
// all there is.
type TypedObject struct {
	Class  string
	Object Object
}

// XML is the text of an XML document, not parsed and not checked.
type XML string

// UndefinedType is the type of Undefined.
type UndefinedType uint8

// Undefined is ActionScript's undefined. A decoded value v is undefined when
// v == amf.Undefined.
const Undefined UndefinedType = 0
