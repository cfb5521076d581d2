package live

// Push gives the Subscriber's place to a player by the same Sink interface, which gets, as FLV, what would have been fetched next. ended is
// PlayOptions.Ended. The Subscriber ends with ErrClosed, as it does if the error is not nil: the reason for which it has ended before.
func (s *Subscriber) Push(sink Sink, ended func(err error)) (*Player, error) {
	s.mu.Lock()
	left, err := s.left, s.err
	s.left, s.err = true, ErrClosed
	cursor := s.cursor
	s.mu.Unlock()
	if left {
		return nil, err
	}
	p := newPlayer(sink, PlayOptions{Deliver: s.deliver, Ended: ended})
	p.flv, p.begun = true, true
	st := s.stream
	p.stream, p.since, p.recorder, p.cursor = st, s.since, s.recorder, cursor
	p.position.Store(cursor.next)
	if err := st.replace(s, p); err != nil {
		s.detach()
		return nil, err
	}
	st.hub.gone(s)
	return p, nil
}

// replace puts a member in the place of another, with its counters.
func (s *stream) replace(old, m member) error {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hub.closed {
		return ErrClosed
	}
	from := old.common()
	m.common().traffic.add(&from.traffic)
	from.traffic.clear()
	s.add(m) // first: a stream without players may end
	s.drop(old)
	return nil
}
