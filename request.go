package rtmp

import (
	"context"
	"slices"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// request is a command of a stream that the server answers with a status. The status completes the call.
type request struct {
	session.Call
	stream *streamState
	codes  []string // a status with one of them is the answer
}

// expect registers command, which is about to be sent, and sets its transaction id. A status with one of codes answers the command. A
// server may also answer with _error or, if resultDoes is set, with _result. If the stream is closed meanwhile, the request fails.
func (s *streamState) expect(command *message.Command, resultDoes bool, codes ...string) (*request, error) {
	r := &request{Call: session.Call{NoResult: !resultDoes}, stream: s, codes: codes}
	if err := s.conn.session.Register(&r.Call, command.Name, 0); err != nil {
		return nil, err
	}
	command.TransactionID = r.ID
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	if s.err == errStreamClosed {
		r.Complete(s.err)
	}
	return r, nil
}

// request sends commands and then other messages, and waits for the answer to the last command; see expect for resultDoes and codes.
func (s *streamState) request(ctx context.Context, chunkStreamID uint32, commands []message.Command, then []chunk.Outgoing,
	resultDoes bool, codes ...string) error {
	r, err := s.expect(&commands[len(commands)-1], resultDoes, codes...)
	if err != nil {
		return err
	}
	defer r.end()
	_, err = r.send(ctx, chunkStreamID, commands, then...)
	return err
}

// send sends commands, of which the last is that of r, and then other messages, and waits for the answer. sent reports whether the commands
// may have reached the server, even if there is an error.
func (r *request) send(ctx context.Context, chunkStreamID uint32, commands []message.Command, then ...chunk.Outgoing) (sent bool, _ error) {
	if r.IsDone() { // the stream is closed
		return false, r.await(ctx)
	}
	if err := r.stream.conn.sendCommands(ctx, chunkStreamID, r.stream.id, commands, then...); err != nil {
		return false, err
	}
	return true, r.await(ctx)
}

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

// end unregisters the request. Its answer is ignored from then on.
func (r *request) end() {
	s := r.stream
	s.conn.session.TakeCall(r.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = slices.DeleteFunc(s.requests, func(other *request) bool { return other == r })
}

// awaits reports whether a request for a status with this code is unanswered. The caller holds s.mu.
func (s *streamState) awaits(code string) bool {
	return len(s.requests) > 0 && s.unanswered(code) // in two functions, so that a message of an undisturbed stream costs no call
}

func (s *streamState) unanswered(code string) bool {
	return slices.ContainsFunc(s.requests, func(r *request) bool { return !r.IsDone() && slices.Contains(r.codes, code) })
}

// closeRequests makes the unanswered requests fail because the stream is closed. The caller holds s.mu.
func (s *streamState) closeRequests() {
	for _, r := range s.requests {
		r.Complete(errStreamClosed)
	}
}
