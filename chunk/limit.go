package chunk

// SetMaxMessageSize replaces the maxMessageSize passed to NewReader. A message of which a chunk has already been read may still be longer, but
// the Reader fails if the unfinished messages then need more than twice the new limit.
func (r *Reader) SetMaxMessageSize(n int) { r.maxSize = clampMessageSize(n) }

func clampMessageSize(n int) int {
	if n <= 0 {
		return MaxMessageLength
	}
	return min(n, MaxMessageLength)
}
