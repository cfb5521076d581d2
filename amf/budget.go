package amf

// maxReferredBytes limits the bytes that a message would gain if every reference
// in it were written out. Decoded values share the value they refer to, but code
// that walks, prints or encodes them visits it once for each reference.
const maxReferredBytes = 16 << 20

// budget tracks the cost of decoding a message so far. A reference costs as much
// as reading the value again.
type budget struct {
	valuesLeft int
	referred   int // bytes
	depth      int // containers around the value being read
	deepest    int // the greatest depth seen since the innermost container began
}

// spend charges n values to the budget.
func (b *budget) spend(n, at int) error {
	if n > b.valuesLeft {
		return &DecodeError{Offset: at, Detail: "more values than allowed, left", Value: b.valuesLeft}
	}
	b.valuesLeft -= n
	return nil
}

// spendReferred charges n bytes that a reference repeats.
func (b *budget) spendReferred(n, at int) error {
	if n > maxReferredBytes-b.referred {
		return &DecodeError{Offset: at, Detail: "references repeat more bytes than allowed", Value: maxReferredBytes}
	}
	b.referred += n
	return nil
}
