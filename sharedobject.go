package rtmp

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// SharedObject is a remote shared object: named properties that the server keeps and sends to all clients that use it.
//
// A SharedObject has a local copy of the properties that the server has sent. Set and Delete send a request and return when the server has
// answered. If the server refuses, the error is a *StatusError and the local copy stays unchanged. If several clients set the same
// property, the server decides on the order, and all clients end up with the same value. All methods may be called from any goroutine.
// Changes arrive only while something reads from the connection; see "Reading" in the package documentation.
type SharedObject struct {
	conn       *link
	table      *sharedTable
	name       string
	persistent bool

	mu         sync.Mutex // guards the rest
	version    uint32
	properties map[string]sharedProperty
	size       int
	waits      []*sharedWait
	handler    func(SharedObjectEvent)
	closed     bool

	acknowledges bool // the server has sent a Success before
}

type sharedProperty struct {
	value any
	size  int // memory in bytes
}

// sharedWait is an unanswered request. Servers answer requests in order, and a refusal does not say which request it refuses.
type sharedWait struct {
	property string
	value    any    // of Set
	data     []byte // data as it was sent
	kind     sharedRequest
	done     chan struct{} // closed when the request is answered
	err      error         // set before done is closed
}

// finish ends the wait, unless it has ended. The caller holds SharedObject.mu.
func (w *sharedWait) finish(err error) {
	if !w.finished() {
		w.err = err
		close(w.done)
	}
}

func (w *sharedWait) finished() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// sharedRequest is the kind of a request.
type sharedRequest int

const (
	sharedUse sharedRequest = iota
	sharedSet
	sharedDelete
)

// SharedObjectEvent is a change of a shared object, or a message to its clients.
type SharedObjectEvent struct {
	Kind  SharedObjectEventKind
	Name  string       // the property, or the message's handler
	Value any          // SharedObjectChanged: the new value
	Args  []any        // SharedObjectMessage
	Err   *StatusError // SharedObjectRefused: a refusal that answers no pending call
}

// SharedObjectEventKind is the kind of a SharedObjectEvent.
type SharedObjectEventKind int

const (
	SharedObjectChanged SharedObjectEventKind = iota // a property has a new value, set by any client
	SharedObjectDeleted                              // a property was deleted
	SharedObjectCleared                              // all properties were deleted
	SharedObjectMessage                              // a client has called Send
	SharedObjectRefused                              // the server has sent a refusal that answers no pending call
)

// String returns the kind in lower case, such as "changed".
func (k SharedObjectEventKind) String() string {
	if k < 0 || int(k) >= len(sharedKindNames) {
		return fmt.Sprintf("SharedObjectEventKind(%d)", int(k))
	}
	return sharedKindNames[k]
}

var sharedKindNames = [...]string{
	SharedObjectChanged: "changed", SharedObjectDeleted: "deleted", SharedObjectCleared: "cleared", SharedObjectMessage: "message",
	SharedObjectRefused: "refused",
}

// sharedTable holds the connected shared objects by name.
type sharedTable struct {
	conn *link

	mu     sync.Mutex // guards the rest
	byName map[string]*SharedObject
}

// use connects to a shared object.
func (t *sharedTable) use(ctx context.Context, name string, persistent bool) (*SharedObject, error) {
	o := &SharedObject{conn: t.conn, table: t, name: name, persistent: persistent,
		properties: make(map[string]sharedProperty)}
	if err := t.add(o); err != nil {
		return nil, err
	}
	if err := o.request(ctx, &sharedWait{kind: sharedUse}, message.SharedEvent{Type: message.SharedUse}); err != nil {
		t.remove(o)
		return nil, err
	}
	return o, nil
}

func (t *sharedTable) of(name string) *SharedObject {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byName[name]
}

func (t *sharedTable) add(o *SharedObject) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byName[o.name] != nil {
		return fmt.Errorf("rtmp: shared object %s: already connected", o.name)
	}
	if t.byName == nil {
		t.byName = make(map[string]*SharedObject)
	}
	t.byName[o.name] = o
	return nil
}

func (t *sharedTable) remove(o *SharedObject) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byName[o.name] == o {
		delete(t.byName, o.name)
	}
}

// Name returns the name of the object.
func (o *SharedObject) Name() string { return o.name }

// Version returns the version number in the newest message from the server: how often the object has changed.
func (o *SharedObject) Version() uint32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.version
}

// Get returns a property of the local copy. The value is shared and must not be modified.
func (o *SharedObject) Get(name string) (any, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p, ok := o.properties[name]
	return p.value, ok
}

// Properties returns the local copy, sorted by name. The values are shared and must not be modified.
func (o *SharedObject) Properties() amf.Object {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := make(amf.Object, 0, len(o.properties))
	for name, p := range o.properties {
		all = append(all, amf.Property{Name: name, Value: p.value})
	}
	slices.SortFunc(all, func(a, b amf.Property) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Handle makes f receive all further events of the object, one at a time and in order, on the goroutine that runs the Conn's
// handlers. A nil f removes the handler.
//
// Get and Properties may be ahead of the events, since the local copy is updated before f is called. If f is slow, up to 16 MiB of events
// and calls wait for f (see HandlerFunc). Further events are dropped and counted in Stats.DroppedEvents; Properties remains up to date.
func (o *SharedObject) Handle(f func(SharedObjectEvent)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.handler = f
}

// Set asks the server to change a property, and waits for the answer. If the server refuses, the error is a *StatusError.
func (o *SharedObject) Set(ctx context.Context, name string, value any) error {
	data, err := message.AppendSharedProperty(nil, name, value)
	if err != nil {
		return o.error(err)
	}
	return o.request(ctx, &sharedWait{kind: sharedSet, property: name, value: value, data: data},
		message.SharedEvent{Type: message.SharedRequestChange, Data: data})
}

// Delete asks the server to remove a property, and waits for the answer. If the server refuses, the error is a *StatusError.
func (o *SharedObject) Delete(ctx context.Context, name string) error {
	if len(name) > 0xFFFF {
		return o.error(fmt.Errorf("property name of %d bytes", len(name)))
	}
	return o.request(ctx, &sharedWait{kind: sharedDelete, property: name},
		message.SharedEvent{Type: message.SharedRequestRemove, Data: message.AppendSharedName(nil, name)})
}

// Send sends a message to the handlers of all clients of the object, including this client. Servers do not answer.
func (o *SharedObject) Send(ctx context.Context, handler string, args ...any) error {
	data, err := amf.AppendAMF0(amf.AppendString(nil, handler), args...)
	if err != nil {
		return o.error(err)
	}
	return o.send(ctx, nil, message.SharedEvent{Type: message.SharedSendMessage, Data: data})
}

// Close releases the object. The server sends no more events, and pending calls of Set and Delete return net.ErrClosed. The Conn stays
// open.
func (o *SharedObject) Close() error {
	o.mu.Lock()
	closed := o.closed
	o.closed, o.handler = true, nil
	o.mu.Unlock()
	if closed {
		return nil
	}
	if o.refuse(fmt.Errorf("rtmp: %w", net.ErrClosed), true) {
		o.conn.session.InterruptRead()
	}
	o.table.remove(o)
	if !o.conn.alive() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	return o.transmit(ctx, message.SharedEvent{Type: message.SharedRelease}, func() error { return nil })
}

func (o *SharedObject) error(err error) error {
	return session.During("shared object "+o.name, err)
}

// send sends an event. When the event is about to be sent, it adds w to the waits, unless w is nil, so the order of the waits is the order
// in which the events are sent.
func (o *SharedObject) send(ctx context.Context, w *sharedWait, e message.SharedEvent) error {
	return o.transmit(ctx, e, func() error {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.closed {
			return net.ErrClosed
		}
		if w != nil {
			o.waits = append(o.waits, w)
		}
		return nil
	})
}

// transmit sends an event, also of an object that is closed. When the event is about to be sent, it calls begin.
func (o *SharedObject) transmit(ctx context.Context, e message.SharedEvent, begin func() error) error {
	body, err := message.AppendSharedObject(nil, message.TypeSharedObjectAMF0, &message.SharedObject{Name: o.name,
		Version: o.Version(), Persistent: o.persistent, Events: []message.SharedEvent{e}})
	if err != nil {
		return o.error(err)
	}
	if err := o.conn.session.SendInOrder(ctx, begin, session.Encode(message.TypeSharedObjectAMF0, 0, 0, body)); err != nil {
		return o.error(session.Cancelled("shared object "+o.name, err))
	}
	return nil
}

// request sends an event and waits for the answer.
func (o *SharedObject) request(ctx context.Context, w *sharedWait, e message.SharedEvent) error {
	w.done = make(chan struct{})
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.waits = slices.DeleteFunc(o.waits, func(other *sharedWait) bool { return other == w })
	}()
	if err := o.send(ctx, w, e); err != nil {
		return err
	}
	err := o.conn.session.AwaitReply(ctx, "shared object "+o.name, w.done)
	switch {
	case !w.finished():
		return err
	case w.err != nil:
		return o.error(w.err)
	}
	return nil
}

// refuse ends the oldest wait or, if all is set, every wait with err. It reports whether there was one.
func (o *SharedObject) refuse(err error, all bool) (found bool) {
	for o.finish(err, func(*sharedWait) bool { return true }) {
		if found = true; !all {
			break
		}
	}
	return found
}

// finish ends the oldest wait that matches.
func (o *SharedObject) finish(err error, match func(*sharedWait) bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.waits, match)
	if i < 0 {
		return false
	}
	o.waits[i].finish(err)
	o.waits = slices.Delete(o.waits, i, i+1)
	return true
}
