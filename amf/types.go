package amf

// MaxDepth is how deeply containers (objects and arrays) may be nested, both for decoding and for encoding.
const MaxDepth = 64

// MaxValues is how many values one message may hold, unless Decoder.SetMaxValues sets another limit. Every member and element
// counts, and so do the names of an AMF3 class. A reference counts as much as the value that it refers to.
const MaxValues = 65536

// Property is one member of an Object or of an ECMAArray.
type Property struct {
	Name  string
	Value any
}

// Object is an anonymous AMF object: named members in wire order. The nil Object is an empty object, not null.
type Object []Property

// ECMAArray is an associative array, used where names are data rather than a fixed set, as in onMetaData. The nil ECMAArray is
// an empty array, not null.
type ECMAArray []Property

// Get returns the member called name. If the name is repeated, the last member wins, as in Flash Player.
func (o Object) Get(name string) (any, bool) { return lookup(o, name) }

// Get returns the member called name. If the name is repeated, the last member wins, as in Flash Player.
func (a ECMAArray) Get(name string) (any, bool) { return lookup(a, name) }

func lookup(members []Property, name string) (any, bool) {
	for i := len(members) - 1; i >= 0; i-- {
		if members[i].Name == name {
			return members[i].Value, true
		}
	}
	return nil, false
}

// TypedObject is an instance of a class that the application has registered under an alias. Decoding never creates a Go type by
// that name.
type TypedObject struct {
	Class  string
	Object Object
}

// Members returns the members of an Object, an ECMAArray or a TypedObject, and nil for any other value. Peers use the three
// types interchangeably.
func Members(v any) Object {
	switch v := v.(type) {
	case Object:
		return v
	case ECMAArray:
		return Object(v)
	case TypedObject:
		return v.Object
	}
	return nil
}

// Find returns the value of the first property called name of the objects and ECMA arrays among values, and of those that are properties of
// these, at any depth. The search is depth-first, and does not look into other arrays.
func Find(name string, values ...any) (value any, found bool) {
	for _, v := range values {
		if value, found = find(name, v, MaxDepth); found {
			return value, true
		}
	}
	return nil, false
}

func find(name string, v any, depth int) (value any, found bool) {
	if depth == 0 {
		return nil, false
	}
	for _, m := range Members(v) {
		if m.Name == name {
			return m.Value, true
		}
		if value, found = find(name, m.Value, depth-1); found {
			return value, true
		}
	}
	return nil, false
}

// XML is the text of an XML document. It is neither parsed nor checked.
type XML string

// UndefinedType is the type of Undefined.
type UndefinedType uint8

// Undefined is ActionScript's undefined. A decoded value v is undefined if v == amf.Undefined.
const Undefined UndefinedType = 0
