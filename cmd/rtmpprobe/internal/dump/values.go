package dump

import (
	"fmt"
	"strings"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/quote"
)

const (
	// maxValues bounds the text for a message's values, in bytes.
	maxValues = 600
	// maxDepth is the depth to which objects are shown.
	maxDepth = 4
)

func (d *Writer) values(list []any) string {
	var b strings.Builder
	for _, v := range list {
		b.WriteByte(' ')
		d.value(&b, v, 0)
		if b.Len() > maxValues {
			return strings.ToValidUTF8(b.String()[:maxValues], "") + "..."
		}
	}
	return b.String()
}

func (d *Writer) value(b *strings.Builder, v any, depth int) {
	if b.Len() > maxValues {
		return
	}
	if depth > maxDepth {
		b.WriteString("...")
		return
	}
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case string:
		b.WriteString(quote.Peer(d.mask(v)))
	case float64:
		fmt.Fprintf(b, "%g", v)
	case bool:
		fmt.Fprint(b, v)
	case amf.Object:
		d.members(b, v, depth)
	case amf.ECMAArray:
		d.members(b, v, depth)
	case []any:
		b.WriteByte('[')
		for i, element := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			d.value(b, element, depth+1)
		}
		b.WriteByte(']')
	default:
		b.WriteString(quote.Text(fmt.Sprintf("%T", v), 40))
	}
}

func (d *Writer) members(b *strings.Builder, list []amf.Property, depth int) {
	b.WriteByte('{')
	for i, p := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote.Peer(d.mask(p.Name)) + ": ")
		d.value(b, p.Value, depth+1)
		if b.Len() > maxValues {
			break
		}
	}
	b.WriteByte('}')
}
