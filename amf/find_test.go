package amf

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFind(t *testing.T) {
	values := []any{"x", Object{{"a", ECMAArray{{"b", 1.0}}}, {"b", 2.0}}, TypedObject{Object: Object{{"c", nil}}}, Object{{"c", 3.0}}}
	for name, want := range map[string]any{"a": ECMAArray{{"b", 1.0}}, "b": 1.0, "c": nil} {
		value, found := Find(name, values...)
		assert.True(t, found, name)
		assert.Equal(t, want, value, name)
	}
	_, found := Find("x", values...)
	assert.False(t, found)

	deep := any(Object{{"bottom", 1.0}})
	for range MaxDepth - 1 {
		deep = Object{{"", deep}}
	}
	_, found = Find("bottom", deep)
	assert.True(t, found)
	_, found = Find("bottom", Object{{"", deep}})
	assert.False(t, found, "too deep")
}
