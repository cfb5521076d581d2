package rtmp

import (
	"context"
	"slices"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// request is a command of a stream that the server answers with a status.
type request struct {
	stream *streamState
	call   *session.Call
	*expectation
}

// expect registers command, which is about to be sent, and sets its transaction id. A status with one of codes answers the command. A
// server may also answer with _error or, if resultDoes is set, with _result.
func (s *streamState) expect(command *message.Command, resultDoes bool, codes ...string) (*request, error) {
	k, err := s.conn.session.NewCall(command.Name, 0)
	if err != nil {
		return nil, err
	}
	e := &expectation{codes: codes, done: make(chan struct{})}
	k.WhenDone(func() {
		if _, refused := k.Answer(); refused != nil || resultDoes {
			e.finish(refused)
		}
	})
	command.TransactionID = k.ID
	s.mu.Lock()
	s.expected = append(s.expected, e)
	s.mu.Unlock()
	return &request{stream: s, call: k, expectation: e}, nil
}

// request sends commands and then other messages, and waits for the answer to the last command; see expect for resultDoes and codes. sent
// reports whether the commands may have reached the server, even if there is an error.
func (s *streamState) request(ctx context.Context, chunkStreamID uint32, commands []message.Command, then []chunk.Outgoing,
	resultDoes bool, codes ...string) (sent bool, _ error) {
	r, err := s.expect(&commands[len(commands)-1], resultDoes, codes...)
	if err != nil {
		return false, err
	}
	defer r.end()
	if err := s.conn.sendCommands(ctx, chunkStreamID, s.id, commands, then...); err != nil {
		return false, err
	}
	return true, r.await(ctx)
}

// await waits for the answer.
func (r *request) await(ctx context.Context) error {
	err := r.stream.conn.session.AwaitReply(ctx, r.call.Method, r.done)
	if r.finished() {
		return r.err
	}
	return err
}

// refused reports whether the server has answered with a refusal.
func (r *request) refused() bool { return r.finished() && r.err != nil }

// end unregisters the request. Its answer is ignored from then on.
func (r *request) end() {
	s := r.stream
	s.conn.session.TakeCall(r.call.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected = slices.DeleteFunc(s.expected, func(other *expectation) bool { return other == r.expectation })
}
