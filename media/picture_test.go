package media

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestRolesOfNALUnits checks all types of NAL units in table 7-1 of H.264 and of H.265: s is a slice, e a further part of the picture, f a
// type that may be the first of a unit, and o any other type.
func TestRolesOfNALUnits(t *testing.T) {
	role := map[nalRole]string{nalSlice: "s", nalExtra: "e", nalFirst: "f", nalOther: "o"}
	avc, hevc, layer := "", "", ""
	for typ := range byte(32) {
		r, _, ok := (&pictureBounds{codec: H264}).classify([]byte{typ, 0x80})
		assert.True(t, ok)
		avc += role[r]
	}
	for typ := range byte(64) {
		r, _, ok := (&pictureBounds{codec: H265}).classify([]byte{typ << 1, 1, 0x80})
		assert.True(t, ok)
		hevc += role[r]
		_, _, ok = (&pictureBounds{codec: H265}).classify([]byte{typ << 1, 1})
		assert.Equal(t, role[r] != "s", ok, "without the first bit of the slice header, type %d", typ)
		r, _, ok = (&pictureBounds{codec: H265}).classify([]byte{typ << 1, 9})
		assert.True(t, ok)
		layer += role[r]
	}
	assert.Equal(t, "o"+"ss"+"ee"+"s"+"ffff"+"oooo"+"fffff"+"eee"+strings.Repeat("o", 10), avc)
	assert.Equal(t, "ssssssssss"+"eeeeee"+"ssssss"+"eeeeeeeeee"+"ffff"+"ooo"+"f"+"o"+"ffff"+"ooo"+"ffffffff"+"oooooooo", hevc)
	assert.Equal(t, strings.Repeat("e", 32)+strings.Repeat("o", 32), layer, "of a layer above the base")
}

func TestFirstMacroblock(t *testing.T) {
	for _, test := range []struct {
		bytes string
		want  uint32
		ok    bool
	}{
		{"80", 0, true},
		{"40", 1, true},
		{"60", 2, true},
		{"20", 3, true},
		{"00030000", 0x5fff, true},                // after one zero, 3 is an ordinary byte
		{"000003 01aaaaaa", 0xd55554, true},       // after two zeros, 3 is an emulation prevention byte
		{"000003 01aaaa", 0, false},               // cut
		{"0000 80ff0303", 0x101fd, true},          // a 3 that does not follow two zeros is an ordinary byte
		{"000003 000003 000003 01", 0, false},     // more bytes may follow
		{"000003 000003 000003 0000 01", 0, true}, // more than 32 bits
		{"", 0, false},
		{"00", 0, false},
	} {
		number, ok := firstMacroblock(unhex(test.bytes))
		assert.Equal(t, test.ok, ok, test.bytes)
		assert.Equal(t, test.want, number, test.bytes)
	}
}

func TestParameterSets(t *testing.T) {
	for codec, want := range map[Codec]struct{ sets, sequences []int }{
		H264: {[]int{7, 8}, []int{7}}, H265: {[]int{32, 33, 34}, []int{33}}, AV1: {[]int{1}, []int{1}}, H266: {},
	} {
		var sets, sequences []int
		for first := range 256 {
			unit := []byte{byte(first), 1}
			typ := int(codec.unitType(unit))
			if codec.isSet(unit) && (len(sets) == 0 || sets[len(sets)-1] < typ) {
				sets = append(sets, typ)
			}
			if codec.isSequence(unit) && len(sequences) == 0 {
				sequences = append(sequences, typ)
			}
		}
		assert.Equal(t, want.sets, sets, codec.String())
		assert.Equal(t, want.sequences, sequences, codec.String())
	}

	track := Track{Codec: H264}
	pps := make([][]byte, maxSetsOfKind+1)
	for i := range pps {
		pps[i] = []byte{0x68, byte(i)}
	}
	config, err := H264.configOf(append([][]byte{{}, avcSets[0]}, pps...), nil)
	assert.NoError(t, err)
	_, err = track.configure(config)
	assert.NoError(t, err)
	assert.Equal(t, append([][]byte{avcSets[0]}, pps[:maxSetsOfKind]...), track.ParameterSets)
}

func TestNearestRate(t *testing.T) {
	for rate, want := range map[int]int{0: 44100, 8000: 8000, 11025: 11025, 12000: 11025, 15999: 11025, 16000: 22050, 22050: 22050, 31999: 22050,
		32000: 44100, 44100: 44100, 48000: 44100} {
		assert.Equal(t, want, nearestRate(rate), "%d", rate)
	}
}
