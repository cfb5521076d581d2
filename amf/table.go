package amf

// table is a reference table: the complex values of a message in order of appearance, entered before their contents.
type table []entry

type entry struct {
	value  any
	open   bool // its contents are still being read
	values int  // number of values that a reference to the entry costs
	bytes  int
	height int // levels of nested containers, including this one
}

// frame is the state that open saves for close.
type frame struct {
	index      int
	valuesLeft int
	bytes      int
	deepest    int
}

// open begins a container at offset at.
func (d *Decoder) open(t *table, at int) (frame, error) {
	if d.depth == MaxDepth {
		return frame{}, &DecodeError{Offset: at, Detail: "nested deeper than allowed", Value: MaxDepth}
	}
	f := frame{index: len(*t), valuesLeft: d.valuesLeft, bytes: d.referred + at, deepest: d.deepest}
	*t = append(*t, entry{open: true})
	d.depth++
	d.deepest = d.depth
	return f, nil
}

// close completes the container with its value. It is not called after an error.
func (d *Decoder) close(t table, f frame, v any) any {
	t[f.index] = entry{
		value:  v,
		values: f.valuesLeft - d.valuesLeft,
		bytes:  d.referred + d.in.off - f.bytes,
		height: d.deepest - d.depth + 1,
	}
	d.depth--
	d.deepest = max(d.deepest, f.deepest)
	return v
}

// resolve returns the value with the given index. Circular references are an error: such values could be neither walked nor
// encoded.
func (d *Decoder) resolve(t table, index uint32, at int) (any, error) {
	if uint64(index) >= uint64(len(t)) {
		return nil, noTarget("value", index, at)
	}
	e := t[index]
	if e.open {
		return nil, &DecodeError{Offset: at, Detail: "circular reference, index", Value: index}
	}
	if d.depth+e.height > MaxDepth {
		return nil, &DecodeError{Offset: at, Detail: "nested deeper than allowed by reference, index", Value: index}
	}
	d.deepest = max(d.deepest, d.depth+e.height)
	if err := d.charge(e.values, at); err != nil {
		return nil, err
	}
	if err := d.chargeReferred(e.bytes, at); err != nil {
		return nil, err
	}
	return e.value, nil
}

func noTarget(what string, index uint32, at int) *DecodeError {
	return &DecodeError{
		Offset:  at,
		Detail:  "reference to a " + what + " that is not there, index",
		Value:   index,
		missing: true,
	}
}
