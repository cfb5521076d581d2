package rtmp

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// request is a command of a stream that the server answers with a status. The status completes the call.
type request struct {
	session.Call
	stream *streamState
	codes  []string // a status with one of them is the answer

	// The fields below are those of a control, and are guarded by streamState.mu.
	due       time.Time // when the client no longer expects the answer
	abandoned bool      // nobody waits for the answer
}

// newRequest registers the call of command, which is about to be sent, and sets its transaction id. A status with one of codes answers the
// command. A server may also answer with _error or, if resultDoes is set, with _result.
func (s *streamState) newRequest(command *message.Command, resultDoes bool, codes ...string) (*request, error) {
	r := &request{Call: session.Call{NoResult: !resultDoes}, stream: s, codes: codes}
	if err := s.conn.session.Register(&r.Call, command.Name, 0); err != nil {
		return nil, err
	}
	command.TransactionID = r.ID
	return r, nil
}

// expect makes a request for command, which is about to be sent as the first request of the stream; see newRequest.
func (s *streamState) expect(command *message.Command, resultDoes bool, codes ...string) (*request, error) {
	r, err := s.newRequest(command, resultDoes, codes...)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	return r, nil
}

// request sends commands, the last of which opens the stream, and then other messages, and waits for the answer; see newRequest for
// resultDoes and codes.
func (s *streamState) request(ctx context.Context, chunkStreamID uint32, commands []message.Command, then []chunk.Outgoing,
	resultDoes bool, codes ...string) error {
	r, err := s.expect(&commands[len(commands)-1], resultDoes, codes...)
	if err != nil {
		return err
	}
	defer r.end()
	if err := s.conn.sendCommands(ctx, chunkStreamID, s.id, commands, then...); err != nil {
		return session.Cancelled(r.Method, err)
	}
	return r.await(ctx)
}

// control sends a command that pauses the stream or seeks, and waits for the notification with the given code. When the command is about to
// be sent, control calls begin, which may be nil, with s.mu held.
//
// Servers answer such commands in order, and a notification does not say which command it answers. So the requests are kept in the order of
// sending, and a request that has given up stays as long as its answer may come.
func (s *streamState) control(ctx context.Context, command message.Command, code string, begin func()) error {
	r, err := s.newRequest(&command, false, code)
	if err != nil {
		return err
	}
	defer r.abandon()
	o, err := session.Command(session.ChunkStreamPlay, s.id, &command)
	if err != nil {
		return err
	}
	err = s.conn.session.SendInOrder(ctx, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.err == errStreamClosed {
			return s.err
		}
		s.forgetStale()
		if s.already(code) {
			r.Complete(nil)
			return errNothingToDo
		}
		if r.pauses() {
			s.asked = code
		}
		r.due = time.Now().Add(s.conn.boundedTimeout())
		s.requests = append(s.requests, r)
		if begin != nil {
			begin()
		}
		return nil
	}, o)
	if err == nil || err == errNothingToDo {
		return r.await(ctx)
	}
	return session.Cancelled(r.Method, err)
}

var errNothingToDo = errors.New("rtmp: the stream is in this state already")

// await waits for the answer.
func (r *request) await(ctx context.Context) error {
	if err := r.Wait(ctx); err != nil {
		return err
	}
	_, err := r.Result()
	return err
}

// refused reports whether the server has answered with a refusal.
func (r *request) refused() bool {
	_, err := r.Result()
	return err != nil && err != errStreamClosed
}

// end forgets the request. Its answer is ignored from then on.
func (r *request) end() {
	s := r.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(func(other *request) bool { return other == r })
	r.Forget() // also if it was not sent
}

// abandon ends the request when nobody waits for it any more. If it was sent and is unanswered, it stays to receive its answer.
func (r *request) abandon() {
	s := r.stream
	s.mu.Lock()
	r.abandoned = !r.due.IsZero() && !r.IsDone()
	s.paused = s.paused || r.abandoned && r.codes[0] == message.CodePauseNotify
	s.mu.Unlock()
	if !r.abandoned {
		r.end()
	}
}

// forgetStale ends the abandoned requests that have got their answer, or will not get it any more. The caller holds s.mu.
func (s *streamState) forgetStale() {
	s.forget(func(r *request) bool { return r.abandoned && (r.IsDone() || time.Now().After(r.due)) })
}

// forget ends the requests that f selects. The caller holds s.mu.
func (s *streamState) forget(f func(*request) bool) {
	s.requests = slices.DeleteFunc(s.requests, func(r *request) bool {
		drop := f(r)
		if drop {
			r.Forget()
		}
		return drop
	})
}

// answer completes the request that status answers, and reports whether there is one. A refusal that is repeated answers the same request.
// The caller holds s.mu.
func (s *streamState) answer(status *StatusError, refusal bool) (found bool) {
	s.forgetStale()
	for i, r := range s.requests { // the server answers in order
		switch {
		case slices.Contains(r.codes, status.Code):
			if found = true; r.Complete(nil) {
				s.answerEqual(i, status.Code)
				return true
			}
		case !refusal || !r.mayBeRefused(status.Code):
		case r.Complete(s.conn.session.Refusal(status)):
			return true
		case r.refused():
			found = true
		}
	}
	return found
}

// answerEqual completes further requests to pause or to continue after a notification has answered the request with index n: some servers
// notify only changes. These are the earlier requests, which such a server has passed over, and later ones for the same state. The caller
// holds s.mu.
func (s *streamState) answerEqual(n int, code string) {
	if code != message.CodePauseNotify && code != message.CodeUnpauseNotify {
		return
	}
	for i, r := range s.requests {
		switch {
		case !r.pauses():
		case i < n || r.codes[0] == code:
			r.Complete(nil)
		case i > n:
			return
		}
	}
}

// already reports whether the server has notified last what a request for this code asks for, and was not asked for the opposite after that: it
// may have complied without a notification. The caller holds s.mu.
func (s *streamState) already(code string) bool {
	return s.notified == code && (s.asked == code || s.asked == "") &&
		!slices.ContainsFunc(s.requests, func(r *request) bool { return r.pauses() && !r.IsDone() })
}

// pauses reports whether r is to pause or to continue.
func (r *request) pauses() bool {
	return r.codes[0] == message.CodePauseNotify || r.codes[0] == message.CodeUnpauseNotify
}

// mayBeRefused reports whether a refusal with this code may refuse r. Most codes do not say what they refuse. Those about seeking also refuse a
// play that begins after the end of the file.
func (r *request) mayBeRefused(code string) bool {
	switch about := controlOf(code); {
	case about != "":
		return about == controlOf(r.codes[0]) || about == controlOf(message.CodeSeekNotify) && slices.Contains(r.codes, message.CodePlayStart)
	case r.abandoned: // nobody would learn that the stream has ended
		return !strings.HasPrefix(code, "NetStream.Play.")
	}
	return true
}

// controlOf returns the beginning of a status code that names a control, or "".
func controlOf(code string) string {
	for _, control := range []string{"NetStream.Seek.", "NetStream.Pause.", "NetStream.Unpause."} {
		if strings.HasPrefix(code, control) {
			return control
		}
	}
	return ""
}

// awaits reports whether a request for a status with this code is unanswered. The caller holds s.mu.
func (s *streamState) awaits(code string) bool {
	return len(s.requests) > 0 && s.unanswered(code) // in two functions, so that a message of an undisturbed stream costs no call
}

func (s *streamState) unanswered(code string) bool {
	return slices.ContainsFunc(s.requests, func(r *request) bool {
		return !r.abandoned && !r.IsDone() && slices.Contains(r.codes, code)
	})
}

// closeRequests makes the unanswered requests fail because the stream is closed. The caller holds s.mu.
func (s *streamState) closeRequests() {
	for _, r := range s.requests {
		r.Complete(errStreamClosed)
	}
}
