package amf

import (
	"encoding/binary"
	"math"
)

// input is a message body and the position of the next byte. Each method reads an item or fails; what names the item in errors.
// Whatever is kept is copied, since the bytes belong to the caller.
type input struct {
	b   []byte
	off int
}

func (in *input) left() int { return len(in.b) - in.off }

// take returns a view of the next n bytes. n is a uint32, since lengths on the wire may not fit in an int.
func (in *input) take(n uint32, what string) ([]byte, error) {
	if uint64(n) > uint64(in.left()) {
		return nil, &DecodeError{
			Offset: in.off,
			Detail: "input ends inside " + what + ", bytes wanted",
			Value:  n,
		}
	}
	view := in.b[in.off : in.off+int(n)]
	in.off += int(n)
	return view, nil
}

func (in *input) u8(what string) (byte, error) {
	b, err := in.take(1, what)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

func (in *input) u16(what string) (uint16, error) {
	b, err := in.take(2, what)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint16(b), nil
}

func (in *input) u32(what string) (uint32, error) {
	b, err := in.take(4, what)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(b), nil
}

func (in *input) double(what string) (float64, error) {
	b, err := in.take(sizeOfNumber, what)
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
}

func (in *input) text(n uint32, what string) (string, error) {
	b, err := in.take(n, what)
	return string(b), err
}

func (in *input) shortText(what string) (string, error) {
	n, err := in.u16(what)
	if err != nil {
		return "", err
	}
	return in.text(uint32(n), what)
}

func (in *input) longText(what string) (string, error) {
	n, err := in.u32(what)
	if err != nil {
		return "", err
	}
	return in.text(n, what)
}

func (in *input) skipIf(b byte) bool {
	if in.left() == 0 || in.b[in.off] != b {
		return false
	}
	in.off++
	return true
}
