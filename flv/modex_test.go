package flv

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestModEx(t *testing.T) {
	type modifier struct {
		Type ModExType
		Data []byte
	}
	for _, c := range []struct {
		name, body string
		want       []modifier
		offset     time.Duration
	}{
		{"none", "91 76703039", nil, 0},
		{"1 ns", "97 02 000001 01 76703039", []modifier{{0, unhex("000001")}}, 1},
		{"999999 ns", "97 02 0f423f 01 76703039", []modifier{{0, unhex("0f423f")}}, 999_999},
		{"a millisecond", "97 02 0f4240 01 76703039", []modifier{{0, unhex("0f4240")}}, 0},
		{"more bytes than needed", "97 04 0003e8ffff 01 76703039", []modifier{{0, unhex("0003e8ffff")}}, time.Microsecond},
		{"fewer", "97 01 03e8 01 76703039", []modifier{{0, unhex("03e8")}}, 0},
		{"not known", "97 02 000001 f1 76703039", []modifier{{15, unhex("000001")}}, 0},
		{"not known, then an offset", "97 00 ee 17 02 000002 01 76703039", []modifier{{1, unhex("ee")}, {0, unhex("000002")}}, 2},
		{"the last offset counts", "97 02 000001 07 02 000002 01 76703039", []modifier{{0, unhex("000001")}, {0, unhex("000002")}}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := ParseVideoHeader(unhex(c.body))
			require.NoError(t, err)
			var got []modifier
			for typ, data := range h.ModEx.All() {
				got = append(got, modifier{typ, data})
			}
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.offset, h.ModEx.TimestampOffset())

			var again ModEx
			for _, m := range c.want {
				again, err = AppendModEx(again, m.Type, m.Data)
				require.NoError(t, err)
			}
			h.ModEx = again
			b, err := AppendVideoHeader(nil, h)
			require.NoError(t, err)
			assert.Equal(t, unhex(c.body), b, "the packet types are corrected")
		})
	}
}

func TestAppendModEx(t *testing.T) {
	m, err := AppendTimestampOffset(nil, 999_999*time.Nanosecond)
	require.NoError(t, err)
	assert.Equal(t, ModEx(unhex("02 0f423f 00")), m)
	assert.Equal(t, 999_999*time.Nanosecond, m.TimestampOffset())

	m, err = AppendTimestampOffset(nil, 0)
	require.NoError(t, err)
	assert.Equal(t, ModEx(unhex("02 000000 00")), m)

	for size, head := range map[int]string{1: "00", 255: "fe", 256: "ff 00ff", 257: "ff 0100", 65536: "ff ffff"} {
		data := bytes.Repeat([]byte{0xab}, size)
		m, err := AppendModEx(nil, 3, data)
		require.NoError(t, err)
		assert.Equal(t, append(append(unhex(head), data...), 0x30), []byte(m), "%d bytes", size)
		for typ, got := range m.All() {
			assert.Equal(t, ModExType(3), typ)
			assert.Equal(t, data, got)
		}
	}
}

func TestAppendModExMalformed(t *testing.T) {
	for _, c := range []struct {
		typ  ModExType
		size int
		want string
	}{
		{16, 1, "flv: offset 0: ModEx type has more than four bits: 0x10"},
		{0, 0, "flv: offset 0: size of ModEx data is not from 1 to 65536: 0"},
		{0, 65537, "flv: offset 0: size of ModEx data is not from 1 to 65536: 65537"},
	} {
		m, err := AppendModEx(ModEx{1}, c.typ, make([]byte, c.size))
		requireError(t, err, c.want)
		assert.Equal(t, ModEx{1}, m)
	}
	for _, d := range []time.Duration{-1, time.Millisecond} {
		_, err := AppendTimestampOffset(nil, d)
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, int64(d), e.Value)
	}
	for range (ModEx{2, 0}).All() {
		assert.Fail(t, "a malformed chain has no modifiers")
	}
}
