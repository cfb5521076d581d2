package session

// Signal leaves a signal in a channel of one slot.
func Signal(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
