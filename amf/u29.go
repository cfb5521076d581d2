package amf

// U29 is AMF3's 29-bit integer, written in as few bytes as possible (AMF 3 specification, section 1.3.1, whose table prints a wrong upper
// end):
//
//	00000000 to 0000007F  0xxxxxxx
//	00000080 to 00003FFF  1xxxxxxx 0xxxxxxx
//	00004000 to 001FFFFF  1xxxxxxx 1xxxxxxx 0xxxxxxx
//	00200000 to 1FFFFFFF  1xxxxxxx 1xxxxxxx 1xxxxxxx xxxxxxxx
//
// Reading accepts forms that are longer than necessary.
const (
	maxU29 = 1<<29 - 1
	maxU28 = 1<<28 - 1 // largest length or count, which shares a U29 with a flag

	maxInteger = 1<<28 - 1 // largest value of the signed integer type
	minInteger = -1 << 28
)

func appendU29(dst []byte, n uint32) []byte {
	switch {
	case n < 1<<7:
		return append(dst, byte(n))
	case n < 1<<14:
		return append(dst, byte(n>>7)|0x80, byte(n)&0x7f)
	case n < 1<<21:
		return append(dst, byte(n>>14)|0x80, byte(n>>7)|0x80, byte(n)&0x7f)
	default:
		return append(dst, byte(n>>22)|0x80, byte(n>>15)|0x80, byte(n>>8)|0x80, byte(n))
	}
}

func (in *input) u29(what string) (uint32, error) {
	var n uint32
	for range 3 {
		b, err := in.u8(what)
		if err != nil {
			return 0, err
		}
		n = n<<7 | uint32(b&0x7f)
		if b < 0x80 {
			return n, nil
		}
	}
	b, err := in.u8(what) // the fourth byte has no flag
	return n<<8 | uint32(b), err
}

// signed extends the sign, bit 28.
func signed(u29 uint32) int32 { return int32(u29<<3) >> 3 }
