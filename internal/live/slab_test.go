package live

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestSlabClass checks that all slabs of a class have the same size, with room for their messages and little more.
func TestSlabClass(t *testing.T) {
	sizes := map[int]int{}
	for n := 1; n <= largestSlab; n++ {
		class, size := slabClass(n)
		if known, ok := sizes[class]; ok && known != size || size < n || class >= len(slabs) || n > smallestSlab && size >= 2*n {
			t.Fatalf("%d bytes: class %d with %d bytes", n, class, size)
		}
		sizes[class] = size
		if again, same := slabClass(size); again != class || same != size {
			t.Fatalf("%d bytes: class %d, but a slab of class %d", n, class, again)
		}
	}
	assert.Equal(t, len(slabs), len(sizes))
}

// TestMemory checks in which slab messages are stored, and when a slab is reused.
func TestMemory(t *testing.T) {
	var m memory
	take := func(n int) ([]byte, *slab) {
		t.Helper()
		b, s := m.take(n)
		assert.Empty(t, b)
		assert.Equal(t, n, cap(b))
		return b, s
	}
	a, first := take(1000)
	b, second := take(3095)
	assert.Same(t, first, second)
	a, b = append(a, 1, 2), append(b, 3)
	assert.Equal(t, []byte{1, 2}, a, "%v", b)
	_, third := take(2)
	assert.NotSame(t, first, third)
	take(largestSlab + 1)
	assert.EqualValues(t, 2, first.refs.Load())

	m.held = 100_000
	_, fourth := take(1)
	assert.Equal(t, commonSlab, cap(fourth.bytes))
	_, fifth := take(largestSlab - 64)
	assert.Equal(t, largestSlab, cap(fifth.bytes))
	m.keyFrame()
	_, sixth := take(1)
	assert.NotSame(t, fifth, sixth)
	m.keyFrame()
	_, same := take(1)
	assert.Same(t, sixth, same, "a new slab would be a waste")
	assert.EqualValues(t, 1, fifth.refs.Load())
	fifth.done()
	assert.Empty(t, fifth.bytes, "it can be reused")
}

// TestPin checks that neither a pinned message nor its slab is reused.
func TestPin(t *testing.T) {
	var from memory
	pinned, other := &Message{}, &Message{}
	_, pinned.slab = from.take(10)
	_, other.slab = from.take(10)
	from.seal()
	pinned.pin()
	pinned.pin()
	pinned.recycle()
	other.recycle()
	assert.NotNil(t, pinned.slab)
	assert.Nil(t, other.slab)
	assert.EqualValues(t, 1, pinned.slab.refs.Load())
}
