package capture

import (
	"errors"
	"io"
	"os"
	"time"
)

// File is a capture file: one session or several.
type File struct{ todo }

type todo struct{}

// Open opens a capture file.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f.Close()
	return nil, errors.ErrUnsupported
}

// NewFile reads a capture of size bytes. Close closes r if that is an io.Closer.
func NewFile(r io.ReaderAt, size int64) (*File, error) { return nil, errors.ErrUnsupported }

// Sessions are those in the file, in the order in which they began.
func (f *File) Sessions() []*Session { return nil }

// Damage is what could not be read of the file as a whole: a torn end, bytes that are no capture. Damage inside a session is found
// by its Reader.
func (f *File) Damage() []*DamageError { return nil }

// Close closes what Open has opened.
func (f *File) Close() error { return nil }

// DamageError is a part of a capture that can't be read. Everything else can.
type DamageError struct {
	Offset int64  // in the file, bytes
	Size   int64  // bytes
	Detail string // what is wrong
}

func (e *DamageError) Error() string { return "capture: " + e.Detail }

// Session is a recorded session.
type Session struct{ todo }

// Info is what is known of the session beside its messages.
func (s *Session) Info() Info { return Info{} }

// End is how its recording ended; complete is false where that is not known, since the file has been torn there.
func (s *Session) End() (end End, complete bool) { return End{}, false }

// Duration is the time of the last record.
func (s *Session) Duration() time.Duration { return 0 }

// Reader returns a Reader at the beginning of the session. Several may read at once.
func (s *Session) Reader() *Reader { return nil }

// Reader reads the messages of a session in the order in which they were complete. It holds one block of the file, and the messages
// that are not complete yet, in memory. It is used by one goroutine at a time.
type Reader struct{ todo }

// Next reads the next message; m.Body is reused. At the end of what was recorded the error is io.EOF. A *DamageError says that
// something is missing here; call Next again to go on after that. Messages of which a part is missing are left out.
func (r *Reader) Next(m *Message) error { return io.EOF }

// Seek goes to the first message that was complete at t or later. Messages that are under way at the beginning of the block in
// which it lies may be left out.
func (r *Reader) Seek(t time.Duration) error { return nil }
