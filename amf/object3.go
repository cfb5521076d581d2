package amf

// traits describe AMF3 objects of one class. The U29 at the beginning of an object says what follows, in its lowest bits:
//
//	...........0  a reference to an earlier object
//	..........01  traits by reference: index = U29 >> 2
//	........0011  new traits, sealed members only: their count = U29 >> 4
//	........1011  new traits, dynamic: further members follow the sealed ones
//	.........111  new traits of an externalizable class
//
// New traits are followed by the class name, which is empty for anonymous objects, and the names of the sealed members.
type traits struct {
	class    string
	names    []string // names of the sealed members
	dynamic  bool
	external bool
	bytes    int // size of the class name and the names, in bytes
}

// tables3 are AMF3's reference tables, in order of appearance. They contain the entries of the whole message; start has the
// indices at which the current scope begins.
type tables3 struct {
	strings []string
	objects table
	traits  []traits
	start   struct{ strings, objects, traits int }
	shared  bool // the scope is the whole message
}

func (t *tables3) stringsOfScope() []string { return t.strings[t.start.strings:] }
func (t *tables3) objectsOfScope() table    { return t.objects[t.start.objects:] }
func (t *tables3) traitsOfScope() []traits  { return t.traits[t.start.traits:] }

func (t *tables3) empty() bool { return max(len(t.strings), len(t.objects), len(t.traits)) == 0 }

// beginValue starts a new scope at the next value.
func (t *tables3) beginValue() {
	t.start.strings, t.start.objects, t.start.traits = len(t.strings), len(t.objects), len(t.traits)
}

func (t *tables3) shareAll() {
	t.start.strings, t.start.objects, t.start.traits = 0, 0, 0
	t.shared = true
}

func (d *Decoder) object3(bits uint32, at int) (any, error) {
	t, err := d.traits3(bits, at)
	if err != nil {
		return nil, err
	}
	if t.external {
		return d.external3(t.class, at)
	}
	members := make([]Property, 0, min(len(t.names), maxPrealloc))
	for _, name := range t.names {
		v, err := d.value3()
		if err != nil {
			return nil, err
		}
		members = append(members, Property{name, v})
	}
	if t.dynamic {
		if members, err = d.members3(members); err != nil {
			return nil, err
		}
	}
	if t.class == "" {
		return Object(members), nil
	}
	return TypedObject{Class: t.class, Object: members}, nil
}

// traits3 reads new traits or looks up earlier ones. Both cost the same part of the budget.
func (d *Decoder) traits3(bits uint32, at int) (traits, error) {
	if bits&1 == 0 {
		known := d.tables3.traitsOfScope()
		if uint64(bits>>1) >= uint64(len(known)) {
			return traits{}, noTarget("class", bits>>1, at)
		}
		t := known[bits>>1]
		return t, d.chargeReferred(t.bytes, at)
	}
	count := bits >> 3
	t := traits{external: bits&2 != 0, dynamic: bits&4 != 0}
	if t.external {
		count = 0
	}
	class, err := d.string3("class name")
	if err != nil {
		return traits{}, err
	}
	if uint64(count) > uint64(d.in.left()) {
		return traits{}, &DecodeError{Offset: at, Detail: "more sealed members than bytes left", Value: count}
	}
	if err := d.charge(int(count), at); err != nil { // a name of one byte takes 16 bytes of memory
		return traits{}, err
	}
	t.class, t.bytes = class, len(class)
	for range count {
		name, err := d.string3("sealed member name")
		if err != nil {
			return traits{}, err
		}
		t.names = append(t.names, name)
		t.bytes += len(name)
	}
	d.tables3.traits = append(d.tables3.traits, t)
	return t, nil
}
