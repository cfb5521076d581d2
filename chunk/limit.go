package chunk

// SetMaxMessageSize replaces NewReader's maxMessageSize. It does not affect messages that have begun.
func (r *Reader) SetMaxMessageSize(n int) { r.maxSize = clampMessageSize(n) }

func clampMessageSize(n int) int {
	if n <= 0 {
		return MaxMessageLength
	}
	return min(n, MaxMessageLength)
}
