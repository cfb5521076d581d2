package flv

import "encoding/binary"

// mpegAudioRates are the sample rates of MPEG-1 audio in Hz (ISO/IEC 11172-3 2.4.2.3).
var mpegAudioRates = [3]int{44100, 48000, 32000}

// parseMP3 reads sample rate and channels from the header of an MPEG audio frame. All sizes are in bits:
//
//	+----------+-----------+---------+---------------+-----------+--------+------------------+--------+------+
//	| 7ff 11   | version 2 | layer 2 | protection 1  | bitrate 4 | rate 2 | padding, private | mode 2 | .. 6 |
//	+----------+-----------+---------+---------------+-----------+--------+------------------+--------+------+
//
// Version 3 is MPEG-1, 2 is MPEG-2 with half the rate, and 0 is the unofficial 2.5 with a quarter.
func parseMP3(b []byte) (rate, channels int, ok bool) {
	if len(b) < 4 {
		return 0, 0, false
	}
	v := binary.BigEndian.Uint32(b)
	version, layer, bitrate, index, mode := v>>19&3, v>>17&3, v>>12&15, v>>10&3, v>>6&3
	if v>>21 != 0x7ff || version == 1 || layer == 0 || bitrate == 15 || index == 3 {
		return 0, 0, false
	}
	rate = mpegAudioRates[index]
	switch version {
	case 2:
		rate /= 2
	case 0:
		rate /= 4
	}
	const mono = 3
	if mode == mono {
		return rate, 1, true
	}
	return rate, 2, true
}
