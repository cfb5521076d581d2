package chunk

// SetMaxMessageSize replaces the maxMessageSize passed to NewReader. It does not affect unfinished messages.
func (r *Reader) SetMaxMessageSize(n int) { r.maxSize = clampMessageSize(n) }

func clampMessageSize(n int) int {
	if n <= 0 {
		return MaxMessageLength
	}
	return min(n, MaxMessageLength)
}
