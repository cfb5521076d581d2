package flv

const ac3Sync = 0x0b77

// ac3Channels is indexed by acmod (ATSC A/52 table 5.8). It does not count the low-frequency channel.
var ac3Channels = [8]int{2, 1, 2, 3, 3, 4, 4, 5}

// ac3Rates are the sample rates in Hz (ATSC A/52 table 5.6).
var ac3Rates = [3]int{48000, 44100, 32000}

// parseAC3 reads the sample rate and the number of channels from a syncframe of AC-3 or E-AC-3 (ATSC A/52 5.3 and E.1.2). The field bsid
// shows which of the two formats it is. Channels in dependent substreams of E-AC-3 do not count.
func parseAC3(b []byte) (rate, channels int, ok bool) {
	r := &bitReader{b: b}
	if r.bits(16) != ac3Sync || len(b) < 8 {
		return 0, 0, false
	}
	const maxAC3, maxEAC3 = 10, 16 // bsid
	bsid := b[5] >> 3
	var acmod uint32
	switch {
	case bsid <= maxAC3:
		rate, acmod = ac3Info(r, bsid)
	case bsid <= maxEAC3:
		rate, acmod = eac3Info(r)
	}
	channels = ac3Channels[acmod] + int(r.bit()) // lfeon
	return rate, channels, rate > 0 && !r.short
}

// ac3Info reads from after the sync word to lfeon. The rate is 0 if it is reserved.
func ac3Info(r *bitReader, bsid uint8) (rate int, acmod uint32) {
	r.bits(16) // crc1
	if fscod := r.bits(2); int(fscod) < len(ac3Rates) {
		rate = ac3Rates[fscod] >> (max(bsid, 8) - 8) // half and quarter rates are outside of the standard
	}
	r.bits(6 + 5 + 3) // frmsizecod, bsid, bsmod
	acmod = r.bits(3)
	if acmod&1 != 0 && acmod != 1 {
		r.bits(2) // cmixlev
	}
	if acmod&4 != 0 {
		r.bits(2) // surmixlev
	}
	if acmod == 2 {
		r.bits(2) // dsurmod
	}
	return rate, acmod
}

// eac3Info is like ac3Info, for E-AC-3.
func eac3Info(r *bitReader) (rate int, acmod uint32) {
	r.bits(2 + 3 + 11) // strmtyp, substreamid, frmsiz
	fscod, code := r.bits(2), r.bits(2)
	switch {
	case int(fscod) < len(ac3Rates): // code is numblkscod
		rate = ac3Rates[fscod]
	case int(code) < len(ac3Rates): // code is fscod2: half the rates
		rate = ac3Rates[code] / 2
	}
	return rate, r.bits(3)
}
