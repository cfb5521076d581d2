package amf

import "reflect"

// An externalizable class writes and reads its own bytes, which have no length
// in front: who does not know the class cannot go on after it. The classes of
// Flex that merely wrap one value are known; others can be added to a Decoder
// with SetExternal and are written by values that are Externalizable.

// External is an instance of an externalizable class whose bytes are one AMF3
// value, such as an ArrayCollection and the array inside it.
type External struct {
	Class string
	Value any
}

// AMFClass implements Externalizable.
func (x External) AMFClass() string { return x.Class }

// WriteExternal implements Externalizable.
func (x External) WriteExternal(w *ExternalWriter) error { return w.Value(x.Value) }

// wrapperClasses are decoded as External.
var wrapperClasses = map[string]bool{
	"flex.messaging.io.ArrayCollection": true,
	"flex.messaging.io.ArrayList":       true,
	"flex.messaging.io.ObjectProxy":     true,
}

// ExternalFunc reads what an instance of an externalizable class wrote and
// returns the value that it stands for. It must take exactly that many bytes,
// and may be called twice for the same ones.
type ExternalFunc func(r *ExternalReader) (any, error)

// SetExternal makes read responsible for class, in place of what the Decoder
// would do with it.
func (d *Decoder) SetExternal(class string, read ExternalFunc) {
	if d.external == nil {
		d.external = map[string]ExternalFunc{}
	}
	d.external[class] = read
}

// ExternalReader gives an ExternalFunc its bytes. Its errors are *DecodeError
// and final.
type ExternalReader struct {
	d   *Decoder
	err error
}

// Value reads an AMF3 value.
func (r *ExternalReader) Value() (v any, err error) {
	if r.err == nil {
		v, r.err = r.d.value3()
	}
	return v, r.err
}

// U29 reads an AMF3 variable-length integer, at most 1FFFFFFF.
func (r *ExternalReader) U29() (n uint32, err error) {
	if r.err == nil {
		n, r.err = r.d.in.u29("externalizable object")
	}
	return n, r.err
}

// Bytes reads n bytes. They are part of the input: copy what is to be kept.
func (r *ExternalReader) Bytes(n int) (b []byte, err error) {
	switch left := r.d.in.left(); {
	case r.err != nil:
	case n < 0 || n > left:
		r.err = &DecodeError{Offset: r.d.in.off, Detail: "more bytes wanted by an externalizable class than are left", Value: n}
	default:
		b, r.err = r.d.in.take(uint32(n), "externalizable object")
	}
	return b, r.err
}

// external3 reads the instance of an externalizable class whose object marker
// was at offset at.
func (d *Decoder) external3(class string, at int) (any, error) {
	read, ok := d.external[class]
	if !ok && wrapperClasses[class] {
		v, err := d.value3()
		return External{Class: class, Value: v}, err
	}
	if !ok {
		return nil, &DecodeError{Offset: at, Detail: "unknown externalizable class", Value: class}
	}
	r := &ExternalReader{d: d}
	v, err := read(r)
	if r.err != nil {
		return nil, r.err
	}
	if err != nil {
		return nil, &DecodeError{Offset: at, Detail: "externalizable class", Value: class, Err: err}
	}
	return v, nil
}

// Externalizable is a value that writes itself as an instance of an
// externalizable class. This always takes AMF3.
type Externalizable interface {
	AMFClass() string // the alias under which the peer knows the class
	WriteExternal(w *ExternalWriter) error
}

// ExternalWriter takes the bytes of an Externalizable.
type ExternalWriter struct {
	e     *encoder3
	dst   []byte
	depth int
}

// Value writes an AMF3 value. The error is an *EncodeError, for WriteExternal to
// return.
func (w *ExternalWriter) Value(v any) error {
	dst, err := w.e.value(w.dst, v, w.depth)
	if err != nil {
		return err
	}
	w.dst = dst
	return nil
}

// U29 writes an AMF3 variable-length integer; of n only the lower 29 bits.
func (w *ExternalWriter) U29(n uint32) { w.dst = appendU29(w.dst, n&maxU29) }

// Bytes writes b as it is.
func (w *ExternalWriter) Bytes(b []byte) { w.dst = append(w.dst, b...) }

// external appends x after the object marker.
func (e *encoder3) external(dst []byte, x Externalizable, depth int) ([]byte, *EncodeError) {
	if err := checkDepth(depth); err != nil {
		return dst, err
	}
	class := x.AMFClass()
	if class == "" {
		return dst, &EncodeError{Detail: "externalizable class without a name", Value: reflect.TypeOf(x)}
	}
	out, err := e.traits(dst, traits{class: class, external: true})
	if err != nil {
		return dst, err
	}
	w := &ExternalWriter{e: e, dst: out, depth: depth + 1}
	switch err := x.WriteExternal(w).(type) {
	case nil:
		return w.dst, nil
	case *EncodeError:
		return dst, err
	default:
		return dst, &EncodeError{Detail: "externalizable class", Value: class, Err: err}
	}
}
