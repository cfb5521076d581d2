package live

// Push replaces the Subscriber with a player that writes to sink. sink gets the messages that Next would have returned next, as FLV. ended
// is PlayOptions.Ended. Push always ends the Subscriber with ErrClosed. If the Subscriber or the hub had already ended, Push makes no
// player and returns the reason.
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
	p.stream, p.since, p.aside, p.cursor = st, s.since, s.aside, cursor
	p.position.Store(cursor.next)
	if err := st.replace(s, p); err != nil {
		s.detach()
		return nil, err
	}
	st.hub.removeMember(s)
	return p, nil
}

// replace replaces the member old by m, which takes over the counters of old.
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
	s.add(m) // before old is removed, since a stream without players may end
	s.removeLocked(old)
	return nil
}
