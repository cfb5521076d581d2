package live

import "time"

// rateSeconds is the time over which bytes are counted.
const rateSeconds = 10

// rate counts the bytes of the last rateSeconds seconds. The zero value is ready to use.
type rate struct {
	seconds [rateSeconds]int64 // indexed by second modulo rateSeconds
	now     int64
	sum     int64
}

// add counts n bytes at the time now, and returns the bit rate over the last rateSeconds seconds. now may come from any clock that does not
// go back.
func (r *rate) add(now time.Duration, n int) int64 {
	second := int64(now / time.Second)
	for r.now = max(r.now, second-rateSeconds); r.now < second; {
		r.now++
		place := &r.seconds[r.now%rateSeconds]
		r.sum -= *place
		*place = 0
	}
	r.seconds[r.now%rateSeconds] += int64(n)
	r.sum += int64(n)
	return r.sum * 8 / rateSeconds
}
