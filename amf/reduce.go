package amf

import (
	"reflect"
	"slices"
	"strings"
	"time"
)

// The struct types of the AMF vocabulary, which must not be taken for
// structs of the caller's.
var vocabularyStructs = map[reflect.Type]bool{
	reflect.TypeFor[time.Time]():   true,
	reflect.TypeFor[TypedObject](): true,
}

var propertyType = reflect.TypeFor[Property]()

// reduce turns one level of any Go value into the types that decoding yields:
// pointers are followed, numbers become float64, structs and maps Object,
// slices and arrays []any. The parts of a container are left as they are, for
// the encoder comes back with each.
func reduce(v any) (any, *EncodeError) {
	rv := reflect.ValueOf(v)
	for hops := 0; rv.Kind() == reflect.Pointer || rv.Kind() == reflect.Interface; hops++ {
		if rv.IsNil() {
			return nil, nil
		}
		if hops == MaxDepth { // a pointer that leads to itself
			return nil, &EncodeError{Detail: "too many pointers to follow", Value: rv.Type()}
		}
		rv = rv.Elem()
	}
	switch rv.Kind() {
	case reflect.Invalid:
		return nil, nil
	case reflect.Bool:
		return rv.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return float64(rv.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return reduceUint(rv), nil
	case reflect.Float32, reflect.Float64:
		return rv.Float(), nil
	case reflect.String:
		return reduceString(rv), nil
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

func reduceUint(rv reflect.Value) any {
	if u, ok := rv.Interface().(UndefinedType); ok {
		return u
	}
	return float64(rv.Uint())
}

func reduceString(rv reflect.Value) any {
	if x, ok := rv.Interface().(XML); ok {
		return x
	}
	return rv.String()
}

// reduceMap sorts by name: maps have no order of their own, and equal values
// should have equal bytes.
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
		if rv.Type().Elem() == propertyType {
			if array, ok := rv.Interface().(ECMAArray); ok {
				return array
			}
			return Object(rv.Convert(reflect.TypeFor[Object]()).Interface().(Object))
		}
		if rv.IsNil() {
			return nil
		}
	}
	list := make([]any, rv.Len())
	for i := range list {
		list[i] = rv.Index(i).Interface()
	}
	return list
}

func reduceStruct(rv reflect.Value) any {
	if vocabularyStructs[rv.Type()] {
		return rv.Interface()
	}
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
