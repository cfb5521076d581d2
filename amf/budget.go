package amf

// maxReferredBytes bounds what references can add to a message: the bytes that
// would be there if each reference were written out. Decoded values share what
// they refer to, but whoever walks, prints or encodes them does not.
const maxReferredBytes = 16 << 20

// budget counts what decoding a message has cost so far. References are charged
// for what they refer to, as if it had been read again.
type budget struct {
	valuesLeft int
	referred   int // bytes
	depth      int // containers around the value being read
	deepest    int // the greatest depth seen since the innermost container began
}

// spend charges for n values.
func (b *budget) spend(n, at int) error {
	if n > b.valuesLeft {
		return &DecodeError{Offset: at, Detail: "more values than allowed, left", Value: b.valuesLeft}
	}
	b.valuesLeft -= n
	return nil
}

// spendReferred charges for n bytes that a reference repeats.
func (b *budget) spendReferred(n, at int) error {
	if n > maxReferredBytes-b.referred {
		return &DecodeError{Offset: at, Detail: "references repeat more bytes than allowed", Value: maxReferredBytes}
	}
	b.referred += n
	return nil
}

// table is a reference table: the complex values of a message in order of
// appearance, entered before their contents are read.
type table []entry

type entry struct {
	value  any
	open   bool // its contents are still being read
	values int  // what a reference to it costs
	bytes  int
	height int // levels of containers, itself included
}

// frame is what close needs to know about the value that open began.
type frame struct {
	index      int
	valuesLeft int
	bytes      int
	deepest    int
}

// open begins a container at offset at: a new table entry and one more level.
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

// close completes the container with its value. After an error it is not
// called: nothing more is read then.
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

// refer returns the value with the given index. Circular references are
// refused: they could be neither walked nor encoded.
func (d *Decoder) refer(t table, index uint32, at int) (any, error) {
	if uint64(index) >= uint64(len(t)) {
		return nil, &DecodeError{Offset: at, Detail: "reference to a value that is not there, index", Value: index}
	}
	e := t[index]
	if e.open {
		return nil, &DecodeError{Offset: at, Detail: "circular reference, index", Value: index}
	}
	if d.depth+e.height > MaxDepth {
		return nil, &DecodeError{Offset: at, Detail: "nested deeper than allowed by reference, index", Value: index}
	}
	d.deepest = max(d.deepest, d.depth+e.height)
	if err := d.spend(e.values, at); err != nil {
		return nil, err
	}
	if err := d.spendReferred(e.bytes, at); err != nil {
		return nil, err
	}
	return e.value, nil
}
