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
