package media

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func requireTyped(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
}

// FuzzAnnexB checks that NAL units survive joining and splitting in both formats.
func FuzzAnnexB(f *testing.F) {
	for _, seed := range []string{"", "00000001 6742 00000001 68", "000001 67000042 000001 68 0000", "0000", "000001 000001 67000003"} {
		f.Add(unhex(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		nalus, err := SplitAnnexB(nil, b)
		requireTyped(t, err)
		again, err := SplitAnnexB(nil, AppendAnnexB(nil, nalus))
		require.NoError(t, err)
		require.Equal(t, nalus, again)
		again, err = SplitAVCC(nil, AppendAVCC(nil, nalus), 4)
		require.NoError(t, err)
		require.Equal(t, nalus, again)
	})
}

// FuzzAVCC is like FuzzAnnexB, for NAL units after lengths of one to four bytes.
func FuzzAVCC(f *testing.F) {
	for _, seed := range []string{"", "00000002 6742 00000001 68", "0002 6742 0000 0001 68", "ffffffff", "01 67 02 6742"} {
		f.Add(unhex(seed), 4)
		f.Add(unhex(seed), 1)
	}
	f.Fuzz(func(t *testing.T, b []byte, lengthSize int) {
		nalus, err := SplitAVCC(nil, b, lengthSize)
		requireTyped(t, err)
		stream := AppendAVCC(nil, nalus)
		again, err := SplitAVCC(nil, stream, 4)
		require.NoError(t, err)
		require.Equal(t, nalus, again)
		if lengthSize == 4 && err == nil {
			require.LessOrEqual(t, len(stream), len(b))
		}
	})
}

// FuzzOBUs checks that the OBUs of a temporal unit concatenate to the unit, and that removing and adding their sizes keeps the payloads.
func FuzzOBUs(f *testing.F) {
	for _, seed := range []string{"", "1200" + sequenceHeader + "3201aa", "34 48 aabb", "36 48 02 aabb", "32 ffffffffffffff7f", "1200 3201bb 1200"} {
		f.Add(unhex(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		units, err := SplitTemporalUnits(nil, b)
		requireTyped(t, err)
		if err == nil {
			require.True(t, bytes.Equal(b, bytes.Join(units, nil)))
		}
		obus, err := SplitOBUs(nil, b)
		requireTyped(t, err)
		if err != nil {
			return
		}
		require.True(t, bytes.Equal(b, bytes.Join(obus, nil)))
		unit, err := AppendTemporalUnit(nil, obus)
		require.NoError(t, err)
		bare := make([][]byte, len(obus))
		for i, obu := range obus {
			bare[i], err = AppendOBU(nil, obu)
			require.NoError(t, err)
		}
		again, err := AppendTemporalUnit(nil, bare)
		require.NoError(t, err)
		require.Equal(t, unit, again)
	})
}

// FuzzADTS checks that ParseADTS returns the frame to which AppendADTS has added a header.
func FuzzADTS(f *testing.F) {
	for _, seed := range []string{"", "fff1 5080 017ffc deadbeef", "fff0 5080 017ffc deadbeef", "fff9 5cc0 011ffc deadbeef", "fff1 5080 00fffd"} {
		f.Add(unhex(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, frame, rest, err := ParseADTS(b)
		requireTyped(t, err)
		if err != nil {
			require.Len(t, rest, len(b))
			return
		}
		stream, err := AppendADTS(nil, c, frame)
		require.NoError(t, err)
		again, same, none, err := ParseADTS(stream)
		require.NoError(t, err)
		require.Equal(t, c, again)
		require.True(t, bytes.Equal(frame, same))
		require.Empty(t, none)
		require.True(t, bytes.HasSuffix(b, rest))
	})
}
