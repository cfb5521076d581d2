package live

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestSlabClass checks that each class has one size, with room for its messages and little more.
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

// TestMemory checks where messages are, and when a slab is reused.
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
	assert.EqualValues(t, 2, first.uses.Load())

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
	assert.EqualValues(t, 1, fifth.uses.Load())
	fifth.done()
	assert.Empty(t, fifth.bytes, "it can be reused")
}

// TestLend checks that a message that was lent is not reused, nor its slab.
func TestLend(t *testing.T) {
	var from memory
	lent, other := &Message{}, &Message{}
	_, lent.slab = from.take(10)
	_, other.slab = from.take(10)
	from.seal()
	lent.lend()
	lent.lend()
	lent.recycle()
	other.recycle()
	assert.NotNil(t, lent.slab)
	assert.Nil(t, other.slab)
	assert.EqualValues(t, 1, lent.slab.uses.Load())
}
