package rtmp

import (
	"github.com/go-librtmp/rtmp/amf"
)

// findValue finds the first property of that name, however deep, as librtmp does; nil: there is none.
func findValue(values []any, name string, depth int) any {
	if depth > amf.MaxDepth {
		return nil
	}
	for _, value := range values {
		for _, m := range properties(value) {
			if m.Name == name {
				return m.Value
			}
			if properties(m.Value) == nil {
				continue
			}
			if found := findValue([]any{m.Value}, name, depth+1); found != nil {
				return found
			}
		}
	}
	return nil
}

// properties are those of an object of any kind, nil of other values.
func properties(value any) []amf.Property {
	switch o := value.(type) {
	case amf.Object:
		return o
	case amf.ECMAArray:
		return o
	case amf.TypedObject:
		return o.Object
	}
	return nil
}
