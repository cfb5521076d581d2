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
			for _, kind := range []Type{TypeCommandAMF0, TypeCommandAMF3} {
				again, err := AppendCommand(nil, kind, &c)
				require.NoError(t, err)
				c2, err := ParseCommand(kind, again)
				require.NoError(t, err)
				once, err := AppendCommand(nil, kind, &c2)
				require.NoError(t, err)
				require.Equal(t, again, once)
			}
		}
		if values, bad := amf.DecodeAMF0(WithoutSelector(Type(kind), body)); err == nil && bad == nil { // decode every value
			require.Equal(t, values[0], c.Name)
			require.Equal(t, math.Float64bits(values[1].(float64)), math.Float64bits(c.TransactionID))
			require.Equal(t, len(values) > 2, c.Args != nil)
			require.Equal(t, max(0, len(values)-3), len(c.Args))
		}
		if d, err := ParseData(Type(kind), body); err == nil && len(body) > 0 {
			for _, kind := range []Type{TypeDataAMF0, TypeDataAMF3} {
				again, err := AppendData(nil, kind, d.Name, d.Args...)
				require.NoError(t, err)
				d2, err := ParseData(kind, again)
				require.NoError(t, err)
				once, err := AppendData(nil, kind, d2.Name, d2.Args...)
				require.NoError(t, err)
				require.Equal(t, again, once)
			}
		}
		ParseUserControl(body)
		left := len(body)
		for m, err := range Aggregate(0, body) {
			if err != nil {
				break
			}
			left -= len(m.Body) + subHeaderSize
			require.GreaterOrEqual(t, left, 0)
			require.Len(t, m.Body, cap(m.Body), "appending to a body does not change the next message")
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
			if properties, err := e.Properties(); err == nil {
				var data []byte
				for _, p := range properties {
					data, err = AppendSharedProperty(data, p.Name, p.Value)
					require.NoError(t, err)
				}
				again, err := SharedEvent{Type: e.Type, Data: data}.Properties()
				require.NoError(t, err)
				require.Len(t, again, len(properties))
			}
			e.Names()
			e.Message()
			e.Status()
		}
	})
}
