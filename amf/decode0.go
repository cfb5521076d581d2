package amf

func (d *Decoder) value0() (any, error) {
	at := d.in.off
	marker, err := d.in.u8("value")
	if err != nil {
		return nil, err
	}
	if err := d.charge(1, at); err != nil {
		return nil, err
	}
	switch marker {
	case markerNumber:
		return boxed(d.in.double("number"))
	case markerBoolean:
		b, err := d.in.u8("boolean")
		return b != 0, err
	case markerString:
		return boxed(d.in.shortText("string"))
	case markerLongString:
		return boxed(d.in.longText("long string"))
	case markerNull, markerUnsupported:
		return nil, nil
	case markerUndefined:
		return Undefined, nil
	case markerDate:
		return d.date0()
	case markerXML:
		text, err := d.in.longText("XML document")
		return XML(text), err
	case markerObject, markerTypedObject, markerECMAArray, markerStrictArray:
		return d.container0(marker, at)
	case markerReference:
		index, err := d.in.u16("reference")
		if err != nil {
			return nil, err
		}
		return d.resolve(d.objects, uint32(index), at)
	case markerAVMPlus:
		return d.outermost3()
	case markerObjectEnd:
		return nil, &DecodeError{Offset: at, Detail: "object end outside of an object, marker", Value: marker}
	default:
		return nil, &DecodeError{Offset: at, Detail: "unknown AMF0 marker", Value: marker}
	}
}

// date0 ignores the time zone, as the specification demands.
func (d *Decoder) date0() (any, error) {
	ms, err := d.in.double("date")
	if err != nil {
		return nil, err
	}
	if _, err := d.in.take(sizeOfTimeZone, "date"); err != nil {
		return nil, err
	}
	return dateFromMillis(ms), nil
}

// container0 reads a value that references may refer to: an object, typed object, ECMA array or strict array. at is the offset of its
// marker.
func (d *Decoder) container0(marker byte, at int) (any, error) {
	f, err := d.open(&d.objects, at)
	if err != nil {
		return nil, err
	}
	v, err := d.contents0(marker)
	if err != nil {
		return nil, err
	}
	return d.close(d.objects, f, v), nil
}

func (d *Decoder) contents0(marker byte) (any, error) {
	switch marker {
	case markerStrictArray:
		return boxed(d.elements0())
	case markerECMAArray:
		if _, err := d.in.u32("ECMA array"); err != nil { // the count is only a hint and often wrong
			return nil, err
		}
		members, err := d.members0()
		return ECMAArray(members), err
	case markerTypedObject:
		class, err := d.in.shortText("class name")
		if err != nil {
			return nil, err
		}
		members, err := d.members0()
		return TypedObject{Class: class, Object: members}, err
	default:
		members, err := d.members0()
		return Object(members), err
	}
}

// members0 reads the members of an object up to its end:
//
//	+-----------------+------+-------+ ... +-------+----+
//	| name length (2) | name | value |     | 00 00 | 09 |
//	+-----------------+------+-------+ ... +-------+----+
//
// An empty name ends the object only if 09 follows; otherwise it is the name of a member. The end of the input is accepted in
// place of the end marker.
func (d *Decoder) members0() ([]Property, error) {
	members := []Property{}
	for d.in.left() > 0 {
		name, err := d.in.shortText("member name")
		if err != nil {
			return nil, err
		}
		if name == "" && d.in.skipIf(markerObjectEnd) {
			break
		}
		v, err := d.value0()
		if err != nil {
			return nil, err
		}
		members = append(members, Property{name, v})
	}
	return members, nil
}

func (d *Decoder) elements0() ([]any, error) {
	at := d.in.off
	count, err := d.in.u32("strict array")
	if err != nil {
		return nil, err
	}
	return d.list(count, at, d.value0)
}

// maxPrealloc is the largest claimed count for which space is allocated in advance.
const maxPrealloc = 256

// list reads count values. The slice grows with the values read, since many nested arrays may claim the same bytes.
func (d *Decoder) list(count uint32, at int, next func() (any, error)) ([]any, error) {
	if uint64(count) > uint64(d.in.left()) {
		return nil, &DecodeError{Offset: at, Detail: "more elements than bytes left", Value: count}
	}
	list := make([]any, 0, min(count, maxPrealloc))
	for range count {
		v, err := next()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}
