package amf

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type temperature struct {
	millikelvin uint16
	sensor      uint32
	note        any
}

var errCold = errors.New("below absolute zero")

func (c *temperature) AMFClass() string { return "test.Temperature" }

func (c *temperature) WriteExternal(w *ExternalWriter) error {
	if c.millikelvin == 0 {
		return errCold
	}
	w.Bytes(binary.BigEndian.AppendUint16(nil, c.millikelvin))
	w.U29(c.sensor)
	return w.Value(c.note)
}

func readTemperature(r *ExternalReader) (any, error) {
	raw, err := r.Bytes(2)
	if err != nil {
		return nil, err
	}
	c := &temperature{millikelvin: binary.BigEndian.Uint16(raw)}
	if c.sensor, err = r.U29(); err != nil {
		return nil, err
	}
	if c.millikelvin == 0 {
		return nil, errCold
	}
	c.note, err = r.Value()
	return c, err
}

func decodeTemperatures(b []byte) (any, error) {
	d := NewDecoder(b)
	d.SetExternal("test.Temperature", readTemperature)
	return d.Decode()
}

func TestExternalizableRoundTrip(t *testing.T) {
	warm := &temperature{300, 1 << 20, "note"}
	hot := &temperature{1000, 2, "note"} // the second value refers to the class and the string of the first
	list := []any{warm, hot, Object{{"warm", warm}}}
	b, err := AppendAMF0(nil, AVMPlus{list})
	require.NoError(t, err)
	got, err := decodeTemperatures(b)
	require.NoError(t, err)
	assert.Equal(t, list, got)

	direct, err := AppendAMF0(nil, warm, &warm, (*temperature)(nil), struct{ T *temperature }{warm})
	require.NoError(t, err, "the switch to AMF3 precedes an Externalizable inside AMF0")
	d := NewDecoder(direct)
	d.SetExternal("test.Temperature", readTemperature)
	for _, want := range []any{warm, warm, nil, Object{{"T", warm}}} {
		got, err := d.Decode()
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}

	nothing, err := AppendAMF3(nil, (*temperature)(nil))
	require.NoError(t, err)
	assert.Equal(t, []byte{marker3Null}, nothing)
}

func TestSetExternalReplacesWhatIsKnown(t *testing.T) {
	b, err := AppendAMF3(nil, External{"flex.messaging.io.ArrayCollection", []any{1.0}})
	require.NoError(t, err)
	d := NewAMF3Decoder(b)
	d.SetExternal("flex.messaging.io.ArrayCollection", func(r *ExternalReader) (any, error) { return r.Value() })
	got, err := d.Decode()
	require.NoError(t, err)
	assert.Equal(t, []any{1.0}, got)
}

func TestExternalizableFailures(t *testing.T) {
	b, err := AppendAMF0(nil, &temperature{300, 7, "note"})
	require.NoError(t, err)
	for cut := 1; cut < len(b); cut++ {
		_, err := decodeTemperatures(b[:cut])
		var decodeError *DecodeError
		require.ErrorAs(t, err, &decodeError, "cut at %d", cut)
		assert.LessOrEqual(t, decodeError.Offset, cut)
	}

	var encodeError *EncodeError
	_, err = AppendAMF0(nil, []any{&temperature{}})
	require.ErrorAs(t, err, &encodeError)
	assert.ErrorIs(t, err, errCold)
	assert.Equal(t, "[0][0]", encodeError.Path)
	assert.EqualError(t, err, "amf: cannot encode [0][0]: externalizable class: \"test.Temperature\": below absolute zero")
	_, err = AppendAMF3(nil, &temperature{1, 1, Object{{"a", make(chan int)}}})
	require.ErrorAs(t, err, &encodeError)
	assert.Equal(t, "[0].a", encodeError.Path)

	cold, err := AppendAMF3(nil, &temperature{1, 1, nil})
	require.NoError(t, err)
	cold[len(cold)-3] = 0 // 0 millikelvin
	var decodeError *DecodeError
	_, err = decodeTemperatures(append([]byte{markerAVMPlus}, cold...))
	require.ErrorAs(t, err, &decodeError)
	assert.ErrorIs(t, err, errCold)
	assert.Equal(t, 1, decodeError.Offset)
	assert.Equal(t, "test.Temperature", decodeError.Value)
}

func TestExternalReaderBytes(t *testing.T) {
	d := NewAMF3Decoder(unhex("0a 07 03 58 aa"))
	d.SetExternal("X", func(r *ExternalReader) (any, error) {
		none, err := r.Bytes(0)
		require.NoError(t, err)
		assert.Empty(t, none)
		return r.Bytes(1)
	})
	v, err := d.Decode()
	require.NoError(t, err)
	assert.Equal(t, []byte{0xaa}, v)
}

// TestExternalReaderErrorsAreFinal checks that decoding fails even if an ExternalFunc ignores the error of its reader.
func TestExternalReaderErrorsAreFinal(t *testing.T) {
	for name, read := range map[string]func(r *ExternalReader){
		"value":          func(r *ExternalReader) { _, _ = r.Value() },
		"negative bytes": func(r *ExternalReader) { _, _ = r.Bytes(-1) },
		"too many bytes": func(r *ExternalReader) { _, _ = r.Bytes(2) },
	} {
		t.Run(name, func(t *testing.T) {
			d := NewAMF3Decoder(unhex("0a 07 03 58 7f"))
			d.SetExternal("X", func(r *ExternalReader) (any, error) {
				read(r)
				_, err := r.U29()
				assert.Error(t, err)
				_, err = r.Bytes(1)
				assert.Error(t, err)
				_, err = r.Value()
				assert.Error(t, err)
				return "fine", nil
			})
			v, err := d.Decode()
			assert.Nil(t, v)
			assert.ErrorAs(t, err, new(*DecodeError))
		})
	}
}

// forgiving ignores an error of ExternalWriter.Value and writes other values in its place.
type forgiving struct{}

func (forgiving) AMFClass() string { return "test.Forgiving" }

func (forgiving) WriteExternal(w *ExternalWriter) error {
	if err := w.Value(Object{{"name", make(chan int)}}); err != nil {
		w.Value("name") // would be a reference to the name above, which has not been written
	}
	return nil
}

func TestExternalWriterErrorsAreFinal(t *testing.T) {
	dst := []byte{1}
	b, err := AppendAMF3(dst, forgiving{})
	var encodeError *EncodeError
	require.ErrorAs(t, err, &encodeError)
	assert.Equal(t, "[0].name", encodeError.Path)
	assert.Equal(t, dst, b)
}
