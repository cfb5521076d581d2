package amf

import "reflect"

// An externalizable class writes and reads its own bytes, without a length, so a reader that does not know the class can't
// continue. The Flex classes that wrap one value are built in. Decoder.SetExternal adds other classes, and values that
// implement Externalizable write themselves.

// External is an instance of an externalizable class whose data is one AMF3 value, such as an ArrayCollection.
type External struct {
	Class string
	Value any
}

// AMFClass implements Externalizable.
func (x External) AMFClass() string { return x.Class }

// WriteExternal implements Externalizable.
func (x External) WriteExternal(w *ExternalWriter) error { return w.Value(x.Value) }

// wrapperClasses lists the classes that are decoded as External.
var wrapperClasses = map[string]bool{
	"flex.messaging.io.ArrayCollection": true,
	"flex.messaging.io.ArrayList":       true,
	"flex.messaging.io.ObjectProxy":     true,
}

// ExternalFunc reads the data of an instance of an externalizable class and returns the value that the instance represents. It must
// read exactly the bytes that the instance wrote. It may be called twice for the same bytes.
type ExternalFunc func(r *ExternalReader) (any, error)

// SetExternal makes the Decoder call read for instances of class, even if the class is built in.
func (d *Decoder) SetExternal(class string, read ExternalFunc) {
	if d.external == nil {
		d.external = map[string]ExternalFunc{}
	}
	d.external[class] = read
}

// ExternalReader reads the data of an externalizable class for an ExternalFunc. Its errors are of type *DecodeError and final.
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

// Bytes reads n bytes. The result is part of the input: copy it to keep it.
func (r *ExternalReader) Bytes(n int) (b []byte, err error) {
	switch left := r.d.in.left(); {
	case r.err != nil:
	case n < 0 || n > left:
		r.err = &DecodeError{Offset: r.d.in.off, Detail: "externalizable class wants more bytes than are left", Value: n}
	default:
		b, r.err = r.d.in.take(uint32(n), "externalizable object")
	}
	return b, r.err
}

// external3 reads an instance of an externalizable class. at is the offset of its object marker.
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

// Externalizable is a value that writes itself as an instance of an externalizable class, always in AMF3.
type Externalizable interface {
	AMFClass() string // the alias under which the peer knows the class
	WriteExternal(w *ExternalWriter) error
}

// ExternalWriter receives the data of an Externalizable.
type ExternalWriter struct {
	e     *encoder3
	dst   []byte
	depth int
	err   *EncodeError
}

// Value writes an AMF3 value. Its error, an *EncodeError, is final: the instance is not written, even if WriteExternal returns nil.
func (w *ExternalWriter) Value(v any) error {
	if w.err == nil { // After an error, the reference tables contain strings that were not written.
		w.dst, w.err = w.e.value(w.dst, v, w.depth)
	}
	if w.err != nil {
		return w.err
	}
	return nil
}

// U29 writes the lower 29 bits of n as an AMF3 variable-length integer.
func (w *ExternalWriter) U29(n uint32) { w.dst = appendU29(w.dst, n&maxU29) }

// Bytes writes b unchanged.
func (w *ExternalWriter) Bytes(b []byte) { w.dst = append(w.dst, b...) }

// external appends x to a buffer that ends in an object marker.
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
	switch err := x.WriteExternal(w); {
	case w.err != nil:
		return dst, w.err
	case err != nil:
		return dst, &EncodeError{Detail: "externalizable class", Value: class, Err: err}
	}
	return w.dst, nil
}
