package chunk

// SetMaxMessageSize replaces the maxMessageSize of NewReader for messages that have not begun.
func (r *Reader) SetMaxMessageSize(n int) { r.maxSize = clampMessageSize(n) }

func clampMessageSize(n int) int {
	if n <= 0 || n > MaxMessageLength {
		return MaxMessageLength
	}
	return n
}
