// Package method makes remote methods from Go functions, for clients and servers.
package method

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/go-librtmp/rtmp/amf"
)

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

// Adapt makes a remote method from a function. The arguments of a call are converted to the types of the parameters as by amf.Assign, and
// the result as by amf.AppendAMF0. The first parameter may be a context.Context, and the last result may be an error. A variadic function
// takes any number of further arguments. A call whose arguments do not fit is answered by an error that says which one, and fn is not
// called.
//
// Adapt returns an error if fn is not a function, has more than one result besides the error, or has a parameter or result that can't be an
// AMF value: a channel, a function, a complex number, or an interface other than any.
func Adapt(fn any) (func(ctx context.Context, args []any) (any, error), error) {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func || v.IsNil() {
		return nil, fmt.Errorf("%T is not a function", fn)
	}
	f := &adapter{fn: v, takesContext: v.Type().NumIn() > 0 && v.Type().In(0) == contextType}
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("%T: %w", fn, err)
	}
	return f.call, nil
}

type adapter struct {
	fn           reflect.Value
	takesContext bool
	returnsError bool
	returnsValue bool
}

func (f *adapter) check() error {
	t := f.fn.Type()
	results := t.NumOut()
	if f.returnsError = results > 0 && t.Out(results-1) == errorType; f.returnsError {
		results--
	}
	if results > 1 {
		return errors.New("more than one result besides the error")
	}
	if f.returnsValue = results == 1; f.returnsValue {
		if err := expressible(t.Out(0), nil); err != nil {
			return fmt.Errorf("result: %w", err)
		}
	}
	for i := range f.parameters() {
		if err := expressible(f.parameter(i), nil); err != nil {
			return fmt.Errorf("parameter %d: %w", i+1, err)
		}
	}
	return nil
}

// parameters returns how many parameters of the function receive arguments of a call. A variadic parameter counts as one.
func (f *adapter) parameters() int {
	n := f.fn.Type().NumIn()
	if f.takesContext {
		n--
	}
	return n
}

func (f *adapter) parameter(i int) reflect.Type {
	t := f.fn.Type()
	if f.takesContext {
		i++
	}
	if last := t.NumIn() - 1; t.IsVariadic() && i >= last {
		return t.In(last).Elem()
	}
	return t.In(i)
}

func (f *adapter) call(ctx context.Context, args []any) (any, error) {
	want, variadic := f.parameters(), f.fn.Type().IsVariadic()
	switch {
	case variadic && len(args) < want-1:
		return nil, fmt.Errorf("number of arguments is %d, want at least %d", len(args), want-1)
	case !variadic && len(args) != want:
		return nil, fmt.Errorf("number of arguments is %d, want %d", len(args), want)
	}
	var in []reflect.Value
	if f.takesContext {
		in = append(in, reflect.ValueOf(ctx))
	}
	for i, arg := range args {
		v := reflect.New(f.parameter(i))
		if err := amf.Assign(v.Interface(), arg); err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		in = append(in, v.Elem())
	}
	out := f.fn.Call(in)
	var result any
	if f.returnsValue {
		result = out[0].Interface()
	}
	if f.returnsError {
		err, _ := out[len(out)-1].Interface().(error)
		return result, err
	}
	return result, nil
}

// expressible returns an error if t can't be an AMF value. The types in seen are already being checked.
func expressible(t reflect.Type, seen []reflect.Type) error {
	for _, s := range seen {
		if s == t {
			return nil
		}
	}
	seen = append(seen, t)
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return fmt.Errorf("%s can't be an AMF value", t)
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return fmt.Errorf("%s can't be an AMF value: an interface must be any", t)
		}
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return expressible(t.Elem(), seen)
	case reflect.Map:
		// The keys of an amf.Dictionary may be of any kind; each value is checked.
		if err := expressible(t.Key(), seen); err != nil {
			return err
		}
		return expressible(t.Elem(), seen)
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			return nil
		}
		for i := range t.NumField() {
			if field := t.Field(i); field.IsExported() && field.Tag.Get("amf0") != "-" {
				if err := expressible(field.Type, seen); err != nil {
					return fmt.Errorf("field %s: %w", field.Name, err)
				}
			}
		}
	}
	return nil
}
