package amf

import (
	"time"
	"unsafe"
)

// Size estimates how many bytes of memory decoded values occupy, which may be many times their size on the wire. A value that
// is referenced several times counts each time. Use Size for limits.
func Size(values ...any) int {
	total := cap(values) * int(unsafe.Sizeof(any(nil)))
	for _, v := range values {
		total += contents(v)
	}
	return total
}

func contents(v any) int {
	switch v := v.(type) {
	case nil, bool, UndefinedType:
		return 0 // interfaces with these values need no allocation
	case string:
		return text(v)
	case XML:
		return text(v)
	case XMLDocument:
		return text(v)
	case ByteArray:
		return header(v) + cap(v)
	case Object:
		return header(v) + members(v)
	case ECMAArray:
		return header(v) + members(v)
	case TypedObject:
		return header(v) + len(v.Class) + members(v.Object)
	case []any:
		return header(v) + Size(v...)
	case ObjectVector:
		return header(v) + len(v.Type) + Size(v.Items...)
	case Vector[int32]:
		return header(v) + cap(v.Items)*4
	case Vector[uint32]:
		return header(v) + cap(v.Items)*4
	case Vector[float64]:
		return header(v) + cap(v.Items)*8
	case Dictionary:
		total := header(v) + cap(v.Entries)*header(DictionaryEntry{})
		for _, e := range v.Entries {
			total += contents(e.Key) + contents(e.Value)
		}
		return total
	case External:
		return header(v) + len(v.Class) + contents(v.Value)
	case time.Time:
		return header(v)
	default: // a number, or the result of an ExternalFunc
		return 8
	}
}

func header[T any](v T) int { return int(unsafe.Sizeof(v)) }

func text[T ~string](s T) int { return header(s) + len(s) }

func members(m []Property) int {
	total := cap(m) * header(Property{})
	for _, p := range m {
		total += len(p.Name) + contents(p.Value)
	}
	return total
}
