package amf

import "reflect"

func assignMembers(dst reflect.Value, members []Property, value any, depth int) *AssignError {
	if depth == MaxDepth {
		return tooDeep(dst, value)
	}
	switch {
	case dst.Type() == reflect.TypeFor[TypedObject]():
		dst.Set(reflect.ValueOf(TypedObject{Object: members}))
		return nil
	case dst.Kind() == reflect.Struct && !encoderTypes[dst.Type()]:
		return assignStruct(dst, members, depth)
	case dst.Kind() == reflect.Map && dst.Type().Key().Kind() == reflect.String:
		return assignMap(dst, members, depth)
	case dst.Kind() == reflect.Slice && dst.Type().Elem() == propertyType:
		return convert(dst, members)
	default:
		return mismatch(dst, value)
	}
}

func assignStruct(dst reflect.Value, members []Property, depth int) *AssignError {
	fields := fieldsOf(dst.Type())
	for _, m := range members {
		f := findField(fields, m.Name)
		if f == nil {
			continue
		}
		if err := assign(dst.Field(f.index), m.Value, depth+1); err != nil {
			return err.within(memberStep(m.Name))
		}
	}
	return nil
}

// findField looks a field up by its encoded name and then, like go-amf0, by its Go name, even if it has a tag.
func findField(fields []field, name string) *field {
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	for i := range fields {
		if fields[i].goName == name {
			return &fields[i]
		}
	}
	return nil
}

func assignMap(dst reflect.Value, members []Property, depth int) *AssignError {
	t := dst.Type()
	if dst.IsNil() {
		dst.Set(reflect.MakeMap(t))
	}
	for _, m := range members {
		element := reflect.New(t.Elem()).Elem()
		if err := assign(element, m.Value, depth+1); err != nil {
			return err.within(memberStep(m.Name))
		}
		dst.SetMapIndex(reflect.ValueOf(m.Name).Convert(t.Key()), element)
	}
	return nil
}

func assignList(dst reflect.Value, list []any, value any, depth int) *AssignError {
	if depth == MaxDepth {
		return tooDeep(dst, value)
	}
	switch kind := dst.Kind(); {
	case kind == reflect.Slice && dst.Type().Elem() != propertyType:
		dst.Set(reflect.MakeSlice(dst.Type(), len(list), len(list)))
	case kind == reflect.Array:
		if dst.Len() != len(list) {
			return &AssignError{Detail: "the array has a different length", Value: value, Type: dst.Type()}
		}
	default:
		return mismatch(dst, value)
	}
	for i, v := range list {
		if err := assign(dst.Index(i), v, depth+1); err != nil {
			return err.within(elementStep(i))
		}
	}
	return nil
}

func assignAMF3(dst reflect.Value, value any, depth int) *AssignError {
	if depth == MaxDepth {
		return tooDeep(dst, value)
	}
	switch value := value.(type) {
	case ByteArray:
		return assignBytes(dst, value, value)
	case []byte:
		return assignBytes(dst, value, value)
	case Vector[int32]:
		return assignList(dst, numbers(value.Items), value, depth)
	case Vector[uint32]:
		return assignList(dst, numbers(value.Items), value, depth)
	case Vector[float64]:
		return assignList(dst, numbers(value.Items), value, depth)
	case ObjectVector:
		return assignList(dst, value.Items, value, depth)
	case Dictionary:
		return assignDictionary(dst, value, depth)
	case External:
		return assign(dst, value.Value, depth+1)
	case AVMPlus:
		return assign(dst, value.Value, depth+1)
	default: // assign passes no other types
		return mismatch(dst, value)
	}
}

func assignBytes(dst reflect.Value, b []byte, value any) *AssignError {
	if dst.Kind() != reflect.Slice || dst.Type().Elem().Kind() != reflect.Uint8 {
		return mismatch(dst, value)
	}
	dst.SetBytes(append([]byte{}, b...))
	return nil
}

func numbers[T int32 | uint32 | float64](items []T) []any {
	list := make([]any, len(items))
	for i, n := range items {
		list[i] = float64(n)
	}
	return list
}

func assignDictionary(dst reflect.Value, d Dictionary, depth int) *AssignError {
	if dst.Kind() != reflect.Map {
		return mismatch(dst, d)
	}
	t := dst.Type()
	if dst.IsNil() {
		dst.Set(reflect.MakeMap(t))
	}
	for i, entry := range d.Entries {
		key, element := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		if err := assign(key, entry.Key, depth+1); err != nil {
			return err.within(elementStep(i))
		}
		if err := assign(element, entry.Value, depth+1); err != nil {
			return err.within(elementStep(i))
		}
		if !key.Comparable() { // for example an Object in a map with keys of type any
			return (&AssignError{Detail: "not usable as a map key", Value: entry.Key, Type: t}).within(elementStep(i))
		}
		dst.SetMapIndex(key, element)
	}
	return nil
}
