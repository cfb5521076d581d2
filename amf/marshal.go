package amf

// Marshal returns the AMF0 form of one value, as AppendAMF0 writes it. The error is always an *EncodeError.
func Marshal(v any) ([]byte, error) { return AppendAMF0(nil, v) }

// Unmarshal decodes b, which must be exactly one AMF0 value, and stores the value in the variable that dst points to, as Assign
// does. The error is a *DecodeError or an *AssignError.
func Unmarshal(b []byte, dst any) error {
	d := NewDecoder(b)
	v, err := d.value0()
	if err != nil {
		return err
	}
	if d.More() {
		return &DecodeError{Offset: d.Offset(), Detail: "more than one value, bytes left", Value: d.in.left()}
	}
	return Assign(dst, v)
}
