package session

// SetMaxMessageSize replaces Config.MaxMessageSize from the next read of the socket on. It may be called by anybody.
func (r *reader) SetMaxMessageSize(n int) { r.limit.Store(int64(n)) }

// takeLimit is for the holder of the token.
func (r *reader) takeLimit() {
	if r.limit.Load() != 0 {
		r.in.SetMaxMessageSize(int(r.limit.Swap(0)))
	}
}

// Serve reads on the caller's goroutine until the Session ends, whenever nobody else does: the standing reader of a connection that
// has a goroutine of its own anyway.
func (r *reader) Serve() { r.standing.start.Do(r.standing.read) }
