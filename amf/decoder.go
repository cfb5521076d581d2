package amf

import (
	"errors"
	"io"
	"sync"
)

// DecodeAMF0 reads all values of a message body, which share one reference table. On an error, which is always a *DecodeError,
// it also returns the values before the faulty one. b is not kept; strings are copied.
//
// Common deviations from the specification are accepted: an ECMA array with a wrong count, an object or ECMA array without its
// end marker at the end of the input, a member with an empty name, and text that is not UTF-8. A date that is not a number is
// the zero time.
//
// Values after the marker that switches to AMF3 are decoded as by DecodeAMF3.
func DecodeAMF0(b []byte) ([]any, error) { return decodeAll(b, false) }

// DecodeAMF3 is like DecodeAMF0, for AMF3 values without any AMF0 around them. An ActionScript array without named items
// becomes []any. One with named items becomes an ECMAArray, whose numbered items come last and are called "0", "1" and so on.
// Objects without a class become Object.
//
// Each outermost value has its own reference tables. Some encoders use one table for the whole message instead, so if a
// reference has no target, the message is decoded again with such tables.
func DecodeAMF3(b []byte) ([]any, error) { return decodeAll(b, true) }

func decodeAll(b []byte, amf3 bool) ([]any, error) {
	d := decoders.Get().(*Decoder)
	d.begin(b, amf3)
	values, err := d.decodeRest()
	if d.tables3.shared { // The scope changed while decoding, so earlier references may be wrong.
		d.reset()
		d.begin(b, amf3)
		d.tables3.shared = true
		if better, bad := d.decodeRest(); bad == nil {
			values, err = better, nil
		}
	}
	d.reset()
	decoders.Put(d)
	return values, err
}

// begin begins a message, after reset.
func (d *Decoder) begin(b []byte, amf3 bool) { d.in.b, d.valuesLeft, d.amf3 = b, MaxValues, amf3 }

// decoders holds the Decoders that decodeAll reuses, without references to a message. No caller ever receives one.
var decoders = sync.Pool{New: func() any { return new(Decoder) }}

// keptObjects is the size of the largest reference table that a Decoder keeps for the next message.
const keptObjects = 32

// reset drops all references to the message. It keeps the memory of a small reference table.
func (d *Decoder) reset() {
	objects := d.objects[:0]
	if cap(objects) > keptObjects {
		objects = nil
	}
	clear(d.objects)
	*d = Decoder{objects: objects}
}

// usualValues is the number of values in most commands: name, transaction id, command object and one argument.
const usualValues = 4

func (d *Decoder) decodeRest() (values []any, err error) {
	for d.in.left() > 0 {
		v, err := d.next()
		if err != nil {
			return values, err
		}
		if values == nil {
			values = make([]any, 0, usualValues)
		}
		values = append(values, v)
	}
	return values, nil
}

// Decoder reads the values of one message body, one at a time. If AMF3 references turn out to count from the beginning of the
// message, it can't correct the values that it has already returned; DecodeAMF0 and DecodeAMF3 can.
type Decoder struct {
	in input
	budget
	objects  table // AMF0
	tables3  tables3
	amf3     bool // the input is AMF3 values, not AMF0
	external map[string]ExternalFunc
	err      error
}

// NewDecoder returns a Decoder of AMF0. The caller must not modify b while the Decoder is in use.
func NewDecoder(b []byte) *Decoder {
	return &Decoder{in: input{b: b}, budget: budget{valuesLeft: MaxValues}}
}

// NewAMF3Decoder returns a Decoder of AMF3 values without any AMF0 around them. The caller must not modify b while the Decoder
// is in use.
func NewAMF3Decoder(b []byte) *Decoder {
	d := NewDecoder(b)
	d.amf3 = true
	return d
}

// SetMaxValues replaces the limit MaxValues. Call it before the first Decode.
func (d *Decoder) SetMaxValues(n int) { d.valuesLeft = n }

// More reports whether there is more to decode. It is false at the end of the input and after an error.
func (d *Decoder) More() bool { return d.err == nil && d.in.left() > 0 }

// Offset returns the number of bytes read so far.
func (d *Decoder) Offset() int { return d.in.off }

// Decode returns the next value, io.EOF at the end of the input, or a *DecodeError, which is final.
func (d *Decoder) Decode() (v any, err error) {
	if d.err == nil && d.in.left() == 0 {
		d.err = io.EOF
	}
	if d.err != nil {
		return nil, d.err
	}
	if v, err = d.next(); err != nil {
		d.err = err
		return nil, err
	}
	return v, nil
}

// next decodes the next value. The result is not used if there is an error.
func (d *Decoder) next() (any, error) {
	if d.amf3 {
		return d.outermost3()
	}
	return d.value0()
}

// outermost3 reads an AMF3 value with its own reference tables. If a reference has no target, it reads this value and all
// values after it with tables of the whole message.
func (d *Decoder) outermost3() (any, error) {
	if d.tables3.shared {
		return d.value3()
	}
	start, spent, known := d.in.off, d.budget, d.tables3
	d.tables3.beginValue()
	v, err := d.value3()
	var missing *DecodeError
	if !errors.As(err, &missing) || !missing.missing || known.empty() {
		return v, err
	}
	d.in.off, d.budget, d.tables3 = start, spent, known
	d.tables3.shareAll()
	if v, again := d.value3(); again == nil {
		return v, nil
	}
	return nil, err
}

func boxed[T any](v T, err error) (any, error) { return v, err }
