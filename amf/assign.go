package amf

import (
	"math"
	"reflect"
	"time"
)

// Assign stores a decoded value in the variable that dst points to. dst must be a non-nil pointer.
//
//	value                          fits into
//	any                            any, and its own type
//	null, undefined                everything, as the zero value; pointers become nil
//	number                         floats; integers, if it is whole and in range
//	boolean, string, XML           types of kind bool; types of kind string
//	date                           time.Time
//	object, ECMA or typed object   structs, maps with string keys, each other
//	strict array, vector           slices; arrays of exactly that length
//	byte array                     slices of bytes
//	dictionary                     maps
//	External                       whatever its Value fits into
//
// Pointers are followed, and allocated if they are nil. A member is stored in the struct field whose tag or, failing that, Go
// name equals its name; both are case-sensitive. Members without a field are skipped. Fields without a member, and the other
// entries of a map, keep their values. If a name is repeated, the last member wins. A value that is stored in an interface or
// in its own type is shared with value, not copied.
//
// The error is always an *AssignError; dst may then be partly filled.
func Assign(dst, value any) error {
	rv := reflect.ValueOf(dst)
	if rv.Kind() != reflect.Pointer || rv.IsNil() {
		return &AssignError{Detail: "the destination must be a non-nil pointer", Value: value, Type: reflect.TypeOf(dst)}
	}
	if err := assign(rv.Elem(), value, 0); err != nil {
		return err
	}
	return nil
}

// assign stores value in dst. depth is the number of containers around value.
func assign(dst reflect.Value, value any, depth int) *AssignError {
	if value == nil {
		dst.SetZero()
		return nil
	}
	if v := reflect.ValueOf(value); v.Type().AssignableTo(dst.Type()) {
		dst.Set(v)
		return nil
	}
	if value == Undefined {
		dst.SetZero()
		return nil
	}
	dst, err := indirect(dst, value)
	if err != nil {
		return err
	}
	switch value := value.(type) {
	case bool:
		if dst.Kind() != reflect.Bool {
			return mismatch(dst, value)
		}
		dst.SetBool(value)
		return nil
	case float64:
		return assignNumber(dst, value)
	case string:
		return assignText(dst, value, value)
	case XML:
		return assignText(dst, string(value), value)
	case XMLDocument:
		return assignText(dst, string(value), value)
	case time.Time:
		return convert(dst, value)
	case Object:
		return assignMembers(dst, value, value, depth)
	case ECMAArray:
		return assignMembers(dst, value, value, depth)
	case TypedObject:
		return assignMembers(dst, value.Object, value, depth)
	case []any:
		return assignList(dst, value, value, depth)
	case ByteArray, []byte, Vector[int32], Vector[uint32], Vector[float64], ObjectVector, Dictionary, External, AVMPlus:
		return assignAMF3(dst, value, depth)
	default:
		return assignReduced(dst, value, depth)
	}
}

// indirect dereferences pointers, allocating those that are nil.
func indirect(dst reflect.Value, value any) (reflect.Value, *AssignError) {
	for hops := 0; dst.Kind() == reflect.Pointer; hops++ {
		if hops == MaxDepth { // A type like "type P *P" has no end.
			return dst, &AssignError{Detail: "too many pointers to follow", Value: value, Type: dst.Type()}
		}
		if dst.IsNil() {
			dst.Set(reflect.New(dst.Type().Elem()))
		}
		dst = dst.Elem()
	}
	return dst, nil
}

// assignReduced assigns values of types that decoding never produces, such as int.
func assignReduced(dst reflect.Value, value any, depth int) *AssignError {
	reduced, err := reduce(value)
	if err != nil {
		return &AssignError{Detail: err.Detail, Value: value, Type: dst.Type()}
	}
	return assign(dst, reduced, depth)
}

func assignNumber(dst reflect.Value, f float64) *AssignError {
	switch dst.Kind() {
	case reflect.Float32, reflect.Float64:
		if dst.OverflowFloat(f) {
			return outOfRange(dst, f)
		}
		dst.SetFloat(f)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if f != math.Trunc(f) {
			return notWhole(dst, f)
		}
		// 2^63 is the smallest float64 that is too large for every kind.
		if f < -1<<63 || f >= 1<<63 || dst.OverflowInt(int64(f)) {
			return outOfRange(dst, f)
		}
		dst.SetInt(int64(f))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if f != math.Trunc(f) {
			return notWhole(dst, f)
		}
		if f < 0 || f >= 1<<64 || dst.OverflowUint(uint64(f)) {
			return outOfRange(dst, f)
		}
		dst.SetUint(uint64(f))
	default:
		return mismatch(dst, f)
	}
	return nil
}

func assignText(dst reflect.Value, text string, value any) *AssignError {
	if dst.Kind() != reflect.String {
		return mismatch(dst, value)
	}
	dst.SetString(text)
	return nil
}

// convert stores value in a type whose underlying type is value's.
func convert(dst reflect.Value, value any) *AssignError {
	v := reflect.ValueOf(value)
	if v.Kind() != dst.Kind() || !v.CanConvert(dst.Type()) {
		return mismatch(dst, value)
	}
	dst.Set(v.Convert(dst.Type()))
	return nil
}

func mismatch(dst reflect.Value, value any) *AssignError {
	return &AssignError{Detail: "the types do not match", Value: value, Type: dst.Type()}
}

func outOfRange(dst reflect.Value, f float64) *AssignError {
	return &AssignError{Detail: "out of range", Value: f, Type: dst.Type()}
}

func notWhole(dst reflect.Value, f float64) *AssignError {
	return &AssignError{Detail: "not a whole number", Value: f, Type: dst.Type()}
}

func tooDeep(dst reflect.Value, value any) *AssignError {
	return &AssignError{Detail: "nested deeper than allowed", Value: value, Type: dst.Type()}
}
