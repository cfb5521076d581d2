package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/capturefile"
	"github.com/go-librtmp/rtmp/message"
)

// Server serves a recorded session. It sends each chunk of the recorded server when the client has sent the requests that precede the chunk.
// The client may differ from the recorded one, and may send its requests in another order. The Server sends the recorded answers with the
// client's transaction ids, and an empty result for a request that is not in the recording. The fields must not be changed after the first
// use.
type Server struct {
	Replay
	// Sessions are the sessions to serve, one for each connection, in order. Further connections get the last session again. A recording
	// has several sessions if, for example, the client was asked for a password or redirected.
	Sessions []*Session

	mu   sync.Mutex
	next int
}

// Serve serves every connection of l until ctx is done or l fails. Then it closes l and waits until all connections have ended. It returns
// the first error of a connection, or the error of ctx or l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var serving sync.WaitGroup
	var once sync.Once
	var first error
	for {
		nc, err := l.Accept()
		if err != nil {
			l.Close()
			serving.Wait()
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			if first != nil {
				err = first
			}
			return err
		}
		serving.Go(func() {
			if err := s.ServeConn(ctx, nc); err != nil && ctx.Err() == nil {
				once.Do(func() { first = err })
			}
		})
	}
}

// ServeConn serves one connection and closes it. The error is nil if the whole recording was sent.
func (s *Server) ServeConn(ctx context.Context, nc net.Conn) error {
	defer nc.Close()
	s.mu.Lock()
	if len(s.Sessions) == 0 {
		s.mu.Unlock()
		return errors.New("capture: no session to serve")
	}
	session := s.Sessions[min(s.next, len(s.Sessions)-1)]
	s.next++
	s.mu.Unlock()
	script, err := scriptOf(session)
	if err != nil {
		return err
	}
	if err := shakeHands(ctx, nc, func() error { _, err := handshake.Server(nc, handshake.Config{}); return err }); err != nil {
		return err
	}
	r := &replay{Replay: &s.Replay, nc: nc, own: FromServer}
	r.role = &asServer{script: script, replay: r}
	return r.run(ctx, session)
}

// shakeHands runs a handshake, which fails when ctx is done.
func shakeHands(ctx context.Context, nc net.Conn, shake func() error) error {
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	err := shake()
	if !stop() {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	return nil
}

type script struct {
	asked   []request
	answers map[int]int  // the index in asked of the request that a message answers, by the message's ordinal
	status  map[int]bool // true for messages about the state of a stream, by ordinal
}

type request struct {
	name        string
	transaction float64
	passed      bool // the replay has reached the command in the recording

	matched bool    // the client has sent the same command
	id      float64 // the client's transaction id
	answer  []byte  // the recorded answer, if the replay has reached it before the client has sent the command
}

func (q *request) milestone() bool {
	return q.name == "connect" || q.name == "createStream" || q.starts()
}

func (q *request) starts() bool { return q.name == "play" || q.name == "publish" }

func scriptOf(s *Session) (*script, error) {
	c := &script{answers: make(map[int]int), status: make(map[int]bool)}
	byID := make(map[float64]int)
	r := s.Reader()
	var m Message
	for r.Next(&m) == nil {
		cmd, ok := commandOf(&m)
		switch {
		case !ok:
		case m.From == FromClient:
			byID[cmd.TransactionID] = len(c.asked)
			c.asked = append(c.asked, request{name: cmd.Name, transaction: cmd.TransactionID})
		case cmd.Name == "_result" || cmd.Name == "_error":
			if i, asked := byID[cmd.TransactionID]; asked {
				c.answers[m.ordinal] = i
			}
		case cmd.Name == "onStatus":
			c.status[m.ordinal] = true
		}
	}
	return c, nil
}

func commandOf(m *Message) (cmd message.Command, ok bool) {
	if m.Dropped || m.Type != message.TypeCommandAMF0 && m.Type != message.TypeCommandAMF3 {
		return cmd, false
	}
	cmd, _ = message.ParseCommand(m.Type, m.Body) // the values before an invalid one are used
	return cmd, cmd.Name != ""
}

type asServer struct {
	*script
	replay *replay
	passed int // number of requests in asked that the replay has reached
}

func (s *asServer) received(m *Message) {
	cmd, ok := commandOf(m)
	if !ok || cmd.Name == "_result" || cmd.Name == "_error" {
		return
	}
	for i := range s.asked {
		q := &s.asked[i]
		if q.matched || q.name != cmd.Name {
			continue
		}
		q.matched, q.id = true, cmd.TransactionID
		if q.answer != nil && cmd.TransactionID != 0 {
			putNumber(q.answer[transactionAt(q.answer):], q.id)
			s.replay.extra(q.answer)
		}
		return
	}
	if cmd.TransactionID != 0 {
		s.replay.extra(emptyResult(&cmd))
	}
}

func emptyResult(cmd *message.Command) []byte {
	answer := message.Command{Name: "_result", TransactionID: cmd.TransactionID, Args: []any{nil}}
	if q := (&request{name: cmd.Name}); q.milestone() {
		answer.Name = "_error"
		answer.Args[0] = message.StatusObject("error", message.CodeCallFailed, "not in the recording")
	}
	body, _ := message.AppendCommand(nil, message.TypeCommandAMF0, &answer) // these values can always be encoded
	return body
}

func (s *asServer) recorded(m *Message) {
	if _, ok := commandOf(m); ok && s.passed < len(s.asked) {
		s.asked[s.passed].passed = true
		s.passed++
	}
}

// ready reports whether the client has sent the commands on which the message depends.
func (s *asServer) ready(p *chunk.Piece, ordinal int) (bool, error) {
	if p == nil {
		return true, nil
	}
	if i, ok := s.answers[ordinal]; ok {
		return s.settled(i) || s.dispensable(i), nil
	}
	t := message.Type(p.Type)
	media := t.Media() || t == message.TypeAggregate || s.status[ordinal]
	for i := range s.asked[:s.passed] {
		q := &s.asked[i]
		if (q.name == "connect" || media && q.starts()) && !s.settled(i) {
			return false, nil
		}
	}
	return true, nil
}

// dispensable reports whether clients may omit a command. No message waits for such a command.
func (s *asServer) dispensable(i int) bool {
	return !slices.ContainsFunc(s.asked[i:], func(q request) bool { return q.milestone() })
}

func (s *asServer) settled(i int) bool {
	for j := i; j < len(s.asked); j++ {
		if q := &s.asked[j]; q.matched && (j == i || q.milestone()) {
			return true
		}
	}
	return false
}

func (s *asServer) timedOut() bool { return false }

func (s *asServer) header([]byte) {}

// unasked is a transaction id that no client uses.
const unasked = 1 << 52

// edit replaces the transaction id of an answer by the id that the client has sent.
func (s *asServer) edit(m *capturefile.Message, ordinal int) {
	i, ok := s.answers[ordinal]
	at := transactionAt(m.Body)
	if !ok || at < 0 {
		return
	}
	s.replay.mu.Lock()
	defer s.replay.mu.Unlock()
	q := &s.asked[i]
	if q.matched {
		putNumber(m.Body[at:], q.id)
		return
	}
	if message.Type(m.Type) == message.TypeCommandAMF0 {
		q.answer = bytes.Clone(m.Body)
	}
	putNumber(m.Body[at:], unasked)
}
