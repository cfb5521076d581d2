package amf

import (
	"reflect"
	"strings"
	"sync"
)

// tagName is the struct tag of github.com/yutopp/go-amf0, so that types written for it work unchanged. AppendAMF0 describes it.
const tagName = "amf0"

// field describes one exported field of a struct type.
type field struct {
	index     int
	name      string // name of the member
	goName    string
	omitEmpty bool
}

var fieldCache sync.Map // reflect.Type -> []field

// fieldsOf lists the fields of struct type t in order of declaration. As in go-amf0, an embedded struct is not flattened.
func fieldsOf(t reflect.Type) []field {
	if cached, ok := fieldCache.Load(t); ok {
		return cached.([]field)
	}
	fields := []field{}
	for i := range t.NumField() {
		sf := t.Field(i)
		tag := sf.Tag.Get(tagName)
		if !sf.IsExported() || tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "" {
			name = sf.Name
		}
		fields = append(fields, field{
			index:     i,
			name:      name,
			goName:    sf.Name,
			omitEmpty: options == "omitempty",
		})
	}
	fieldCache.Store(t, fields)
	return fields
}

// isEmpty reports whether omitempty leaves v out, by the rules of encoding/json.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	default:
		return v.IsZero()
	}
}
