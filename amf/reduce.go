package amf

import (
	"reflect"
	"slices"
	"strings"
	"time"
)

// encoderTypes lists the named types that the encoders handle themselves. All others are reduced to their underlying types.
var encoderTypes = map[reflect.Type]bool{
	reflect.TypeFor[UndefinedType]():   true,
	reflect.TypeFor[Object]():          true,
	reflect.TypeFor[ECMAArray]():       true,
	reflect.TypeFor[TypedObject]():     true,
	reflect.TypeFor[time.Time]():       true,
	reflect.TypeFor[XML]():             true,
	reflect.TypeFor[XMLDocument]():     true,
	reflect.TypeFor[ByteArray]():       true,
	reflect.TypeFor[Vector[int32]]():   true,
	reflect.TypeFor[Vector[uint32]]():  true,
	reflect.TypeFor[Vector[float64]](): true,
	reflect.TypeFor[ObjectVector]():    true,
	reflect.TypeFor[Dictionary]():      true,
	reflect.TypeFor[AVMPlus]():         true,
}

var (
	propertyType       = reflect.TypeFor[Property]()
	externalizableType = reflect.TypeFor[Externalizable]()
)

// reduce converts one level of any Go value to a type that the encoders know: it follows pointers, and converts numbers to
// float64, structs and maps to Object, slices and arrays to []any.
func reduce(v any) (any, *EncodeError) {
	rv := reflect.ValueOf(v)
	for hops := 0; rv.Kind() == reflect.Pointer || rv.Kind() == reflect.Interface; hops++ {
		if rv.IsNil() {
			return nil, nil
		}
		if hops == MaxDepth { // a pointer that points to itself
			return nil, &EncodeError{Detail: "too many pointers to follow", Value: rv.Type()}
		}
		rv = rv.Elem()
		if rv.IsValid() && rv.Type().Implements(externalizableType) && rv.Kind() != reflect.Interface {
			return rv.Interface(), nil
		}
	}
	if rv.IsValid() && encoderTypes[rv.Type()] {
		return rv.Interface(), nil
	}
	switch rv.Kind() {
	case reflect.Invalid:
		return nil, nil
	case reflect.Bool:
		return rv.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return float64(rv.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return float64(rv.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return rv.Float(), nil
	case reflect.String:
		return rv.String(), nil
	case reflect.Map:
		return reduceMap(rv)
	case reflect.Slice, reflect.Array:
		return reduceList(rv), nil
	case reflect.Struct:
		return reduceStruct(rv), nil
	default:
		return nil, &EncodeError{Detail: "type without an AMF form", Value: rv.Type()}
	}
}

// reduceMap sorts by name, so that equal maps are encoded as equal bytes.
func reduceMap(rv reflect.Value) (any, *EncodeError) {
	if rv.IsNil() {
		return nil, nil
	}
	if rv.Type().Key().Kind() != reflect.String {
		return nil, &EncodeError{Detail: "map keys must be strings", Value: rv.Type()}
	}
	object := make(Object, 0, rv.Len())
	for iter := rv.MapRange(); iter.Next(); {
		object = append(object, Property{iter.Key().String(), iter.Value().Interface()})
	}
	slices.SortFunc(object, func(a, b Property) int { return strings.Compare(a.Name, b.Name) })
	return object, nil
}

func reduceList(rv reflect.Value) any {
	if rv.Kind() == reflect.Slice {
		switch elem := rv.Type().Elem(); {
		case elem == propertyType:
			return rv.Convert(reflect.TypeFor[Object]()).Interface()
		case rv.IsNil():
			return nil
		case elem.Kind() == reflect.Uint8:
			return rv.Bytes()
		}
	}
	list := make([]any, rv.Len())
	for i := range list {
		list[i] = rv.Index(i).Interface()
	}
	return list
}

func reduceStruct(rv reflect.Value) any {
	fields := fieldsOf(rv.Type())
	object := make(Object, 0, len(fields))
	for _, f := range fields {
		value := rv.Field(f.index)
		if f.omitEmpty && isEmpty(value) {
			continue
		}
		object = append(object, Property{f.name, value.Interface()})
	}
	return object
}
