package testserver

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

var errTooManyCalls = errors.New("test server: the client has not answered the calls before")

// Call calls a method of the client. The answer, _result or _error, comes through the channel, which is closed without
// one when the session ends.
func (s *Session) Call(method string, args ...any) (<-chan message.Command, error) {
	answer := make(chan message.Command, 1)
	return answer, s.callThen(method, func(cmd *message.Command) {
		if cmd != nil {
			answer <- *cmd
		}
		close(answer)
	}, args...)
}

// callThen is Call with what is to be done with the answer, on the session's goroutine; nil stands for the session's end.
func (s *Session) callThen(method string, then func(answer *message.Command), args ...any) error {
	if s.core.PendingCalls() >= maxCalls {
		return errTooManyCalls
	}
	k, err := s.core.NewCall(method, 0)
	if err != nil {
		return err
	}
	k.WhenDone(func() { then(answerOf(k)) })
	err = s.command(0, method, k.ID, nil, args...)
	if err != nil && s.core.TakeCall(k.ID) == k {
		k.Complete(nil, err)
	}
	return err
}

// answerOf is the command that has answered a call; nil: none has.
func answerOf(k *session.Call) *message.Command {
	reply, err := k.Answer()
	if reply == nil {
		return nil
	}
	answer := &message.Command{Name: "_result", TransactionID: k.ID, Object: reply[0], Args: reply[1:]}
	if err != nil {
		answer.Name = "_error"
	}
	return answer
}

// Notify calls a method of the client without asking for an answer.
func (s *Session) Notify(method string, args ...any) error {
	return s.command(0, method, 0, nil, args...)
}

// call serves a remote call of the client.
func (s *Session) call(cmd message.Command) error {
	handler := s.server.cfg.Handlers[cmd.Name]
	if handler == nil {
		return s.failed(cmd, fmt.Sprintf("method %s is not known", quote.Peer(cmd.Name)))
	}
	result, err := s.handle(handler, cmd)
	if err != nil {
		return s.failed(cmd, err.Error())
	}
	if cmd.TransactionID == 0 {
		return nil
	}
	return s.command(0, "_result", cmd.TransactionID, nil, result)
}

// handle runs a handler. One that panics has failed, and takes nobody with it.
func (s *Session) handle(handler func(*Session, message.Command) (any, error), cmd message.Command) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.server.cfg.Logger.Error("test server: handler panicked", "name", cmd.Name, "panic", p, "stack", string(debug.Stack()))
			result, err = nil, fmt.Errorf("method %s has failed", quote.Peer(cmd.Name))
		}
	}()
	return handler(s, cmd)
}

// failed answers a command with an error, if it wants an answer.
func (s *Session) failed(cmd message.Command, description string) error {
	if cmd.TransactionID == 0 {
		return nil
	}
	return s.command(0, "_error", cmd.TransactionID, nil,
		message.StatusObject("error", message.CodeCallFailed, description))
}

// checkBandwidth measures nothing, but makes the calls with which Flash Media Server does. A client whose answers are missing
// gets no more of them.
func (s *Session) checkBandwidth(cmd message.Command) error {
	if cmd.TransactionID != 0 {
		if err := s.command(0, "_result", cmd.TransactionID, nil, amf.Undefined); err != nil {
			return err
		}
	}
	err := s.callThen("_onbwcheck", func(answer *message.Command) {
		if answer != nil {
			s.Notify("_onbwdone", 10000, 8, 1, 0) // kilobits per second, kilobits, seconds, latency in ms
		}
	}, "payload", 1)
	if err == errTooManyCalls {
		return nil
	}
	return err
}
