package chunk

// SetMaxMessageSize replaces the maxMessageSize passed to NewReader. Messages of which a chunk has already been read may still have the size
// that was allowed then.
func (r *Reader) SetMaxMessageSize(n int) { r.maxSize = clampMessageSize(n) }

func clampMessageSize(n int) int {
	if n <= 0 {
		return MaxMessageLength
	}
	return min(n, MaxMessageLength)
}
