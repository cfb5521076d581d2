package live

import "github.com/go-librtmp/rtmp/flv"

// Publisher feeds a stream. Write is for one goroutine at a time, the other methods are for any.
type Publisher struct{}

// Write adds a message, of which nothing is kept: the body is copied. It never waits for players. t is what players get: an
// onMetaData without @setDataFrame, and data in AMF0. Timestamps count from wherever the publisher likes; to what was published
// before by others they are joined. The error is what the hub has ended the publisher with, ErrClosed after Close, or says
// that the body is too long for a message.
func (p *Publisher) Write(t flv.Tag) error { panic("TODO") }

// Subscribe returns a Subscriber that gets everything this publisher writes from now on, without waiting for a key frame, and
// io.EOF when it has left or was replaced: a recorder.
func (p *Publisher) Subscribe() *Subscriber { panic("TODO") }

// Err is what the hub has ended the publisher with, or ErrClosed; nil as long as it publishes.
func (p *Publisher) Err() error { panic("TODO") }

// Stats is the stream's, as far as this publisher has made it: Info, Since and BytesIn begin with it.
func (p *Publisher) Stats() StreamStats { panic("TODO") }

// Close ends the publication. The stream lingers for its players. It may be called again, and after the hub has ended it.
func (p *Publisher) Close() { panic("TODO") }
