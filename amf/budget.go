package amf

// maxReferredBytes limits the bytes that the references in a message repeat. A shared value is decoded only once, but code that walks, prints
// or encodes the decoded values visits it once for each reference.
const maxReferredBytes = 16 << 20

// budget is what a message may still contain. A reference costs as much as reading the value again.
type budget struct {
	valuesLeft int
	referred   int // bytes
	depth      int // containers around the value being read
	deepest    int // the greatest depth since the innermost container began
}

// charge subtracts n values.
func (b *budget) charge(n, at int) error {
	if n > b.valuesLeft {
		return &DecodeError{Offset: at, Detail: "more values than allowed, left", Value: b.valuesLeft}
	}
	b.valuesLeft -= n
	return nil
}

// chargeReferred subtracts n bytes that a reference repeats.
func (b *budget) chargeReferred(n, at int) error {
	if n > maxReferredBytes-b.referred {
		return &DecodeError{Offset: at, Detail: "references repeat more bytes than allowed", Value: maxReferredBytes}
	}
	b.referred += n
	return nil
}
