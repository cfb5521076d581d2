package live

import "context"

// Subscriber is a player that fetches: a viewer by HTTP, a recorder, a program. It is for one goroutine at a time but for Receive,
// Missed, Stats and Close.
type Subscriber struct{}

// Next waits for the next message. The error is io.EOF when the stream has ended and everything has been fetched, ErrNotFound after
// PlayOptions.Await, ErrClosed after Close or Hub.Close, or ctx's.
func (s *Subscriber) Next(ctx context.Context) (*Message, error) { panic("TODO") }

// NextBatch waits as Next does, and appends what there is, at least one message and within the limits of one write, to dst.
func (s *Subscriber) NextBatch(ctx context.Context, dst []*Message) ([]*Message, error) {
	panic("TODO")
}

// Receive is Player.Receive.
func (s *Subscriber) Receive(audio, video bool) { panic("TODO") }

// Missed counts the messages that were skipped because the Subscriber was too slow.
func (s *Subscriber) Missed() uint64 { panic("TODO") }

// Stats is Player.Stats.
func (s *Subscriber) Stats() StreamStats { panic("TODO") }

// Close ends the Subscriber and wakes Next.
func (s *Subscriber) Close() { panic("TODO") }
