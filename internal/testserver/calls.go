package testserver

import (
	"fmt"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/message"
)

// Call calls a method of the client. The answer, _result or _error, comes through the channel, which is closed without
// one when the session ends.
func (s *Session) Call(method string, args ...any) (<-chan message.Command, error) {
	answer := make(chan message.Command, 1)
	s.mu.Lock()
	s.lastCall++
	id := s.lastCall
	if s.ended {
		close(answer)
	} else {
		s.calls[id] = answer
	}
	s.mu.Unlock()
	return answer, s.command(0, method, id, nil, args...)
}

// Notify calls a method of the client without asking for an answer.
func (s *Session) Notify(method string, args ...any) error {
	return s.command(0, method, 0, nil, args...)
}

// answered takes the client's answer to a Call. Whoever takes a channel out of s.calls may send to it or close it.
func (s *Session) answered(cmd message.Command) {
	s.mu.Lock()
	answer := s.calls[cmd.TransactionID]
	delete(s.calls, cmd.TransactionID)
	s.mu.Unlock()
	if answer != nil {
		answer <- cmd
	}
}

// endCalls ends all waiting for answers, now and later.
func (s *Session) endCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for id, answer := range s.calls {
		close(answer)
		delete(s.calls, id)
	}
}

// call serves a remote call of the client.
func (s *Session) call(cmd message.Command) error {
	handler := s.server.cfg.Handlers[cmd.Name]
	if handler == nil {
		return s.failed(cmd, fmt.Sprintf("method %s is not known", cmd.Name))
	}
	result, err := handler(s, cmd)
	if err != nil {
		return s.failed(cmd, err.Error())
	}
	if cmd.TransactionID == 0 {
		return nil
	}
	return s.command(0, "_result", cmd.TransactionID, nil, result)
}

// failed answers a command with an error, if it wants an answer.
func (s *Session) failed(cmd message.Command, description string) error {
	if cmd.TransactionID == 0 {
		return nil
	}
	return s.command(0, "_error", cmd.TransactionID, nil,
		message.StatusObject("error", "NetConnection.Call.Failed", description))
}

// checkBandwidth measures nothing, but makes the calls with which Flash Media Server does.
func (s *Session) checkBandwidth(cmd message.Command) error {
	if cmd.TransactionID != 0 {
		if err := s.command(0, "_result", cmd.TransactionID, nil, amf.Undefined); err != nil {
			return err
		}
	}
	answer, err := s.Call("_onbwcheck", "payload", 1)
	if err != nil {
		return err
	}
	s.helper.Go(func() {
		if _, ok := <-answer; ok {
			s.Notify("_onbwdone", 10000, 8, 1, 0) // kilobits per second, kilobits, seconds, latency in ms
		}
	})
	return nil
}
