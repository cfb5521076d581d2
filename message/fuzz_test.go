package message

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
)

func FuzzParse(f *testing.F) {
	body, _ := AppendCommand(nil, TypeCommandAMF0, &Command{Name: "a", Object: amf.Object{{Name: "b", Value: 1.0}}})
	f.Add(uint8(20), body)
	f.Add(uint8(22), sub(8, 1, 1, "x", true))
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		c, err := ParseCommand(Type(kind), body)
		if err == nil {
			again, err := AppendCommand(nil, TypeCommandAMF0, &c)
			if err == nil {
				_, err = ParseCommand(TypeCommandAMF0, again)
				require.NoError(t, err)
			}
		}
		if values, bad := amf.DecodeAMF0(withoutSelector(Type(kind), body)); err == nil && bad == nil { // decode every value
			require.Equal(t, values[0], c.Name)
			require.Equal(t, math.Float64bits(values[1].(float64)), math.Float64bits(c.TransactionID))
			require.Equal(t, len(values) > 2, c.Args != nil)
			require.Equal(t, max(0, len(values)-3), len(c.Args))
		}
		ParseData(Type(kind), body)
		ParseUserControl(body)
		left := len(body)
		for m, err := range Aggregate(0, body) {
			if err != nil {
				break
			}
			left -= len(m.Body) + subHeaderSize
			require.GreaterOrEqual(t, left, 0)
		}
	})
}

// FuzzSharedObject checks that a body that can be parsed is encoded to the same bytes.
func FuzzSharedObject(f *testing.F) {
	f.Add(sharedAnswer)
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x06\x00\x00\x00\x04\x02\x00\x01a"))
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := ParseSharedObject(TypeSharedObjectAMF0, body)
		if err != nil {
			return
		}
		first, err := AppendSharedObject(nil, TypeSharedObjectAMF0, &o)
		require.NoError(t, err)
		o2, err := ParseSharedObject(TypeSharedObjectAMF0, first)
		require.NoError(t, err)
		require.Equal(t, o, o2)
		for _, e := range o.Events {
			e.Properties()
			e.Names()
			e.Message()
			e.Status()
		}
	})
}
