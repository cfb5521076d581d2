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

// SharedObject is a remote shared object: named properties that the server keeps and tells all its clients about.
//
// The local copy holds what the server has said. Set and Delete ask the server and return when it has answered; a refusal
// is a *StatusError and changes nothing here. When several clients write the same property, the server's order decides:
// every client ends with the same value, the last it was told. All methods may be called from any goroutine; as with
// everything else, somebody must be reading for changes to arrive (see Conn).
type SharedObject struct {
	conn       *link
	table      *sharedTable
	name       string
	persistent bool
	order      chan struct{} // one slot: requests are sent in the order of waits

	mu         sync.Mutex // guards the rest
	version    uint32
	properties map[string]sharedProperty
	size       int
	waits      []*sharedWait
	handler    func(SharedObjectEvent)
	closed     bool

	acknowledges bool // the server was seen to send Success
}

type sharedProperty struct {
	value any
	size  int // bytes of memory
}

// sharedWait is a request without an answer. Servers answer in order, and a refusal does not say what it refuses.
type sharedWait struct {
	property string
	value    any    // what Set asks for
	data     []byte // as it was sent
	kind     sharedRequest
	answer   *expectation
}

// sharedRequest is what a sharedWait has asked for.
type sharedRequest int

const (
	sharedUse sharedRequest = iota
	sharedSet
	sharedDelete
)

// SharedObjectEvent is something that the server has told about a shared object.
type SharedObjectEvent struct {
	Kind  SharedObjectEventKind
	Name  string       // the property, or the message's handler
	Value any          // SharedObjectChanged: the new value
	Args  []any        // SharedObjectMessage
	Err   *StatusError // SharedObjectRefused: what nobody waits for
}

// SharedObjectEventKind tells SharedObjectEvents apart.
type SharedObjectEventKind int

const (
	SharedObjectChanged SharedObjectEventKind = iota // a property has a new value, by us or by another
	SharedObjectDeleted                              // a property is gone
	SharedObjectCleared                              // all properties are gone
	SharedObjectMessage                              // somebody has called Send
	SharedObjectRefused                              // the server has refused something
)

// sharedTable holds the connected shared objects by name.
type sharedTable struct {
	conn *link

	mu     sync.Mutex // guards the rest
	byName map[string]*SharedObject
}

// use connects to a shared object.
func (t *sharedTable) use(ctx context.Context, name string, persistent bool) (*SharedObject, error) {
	o := &SharedObject{conn: t.conn, table: t, name: name, persistent: persistent, order: make(chan struct{}, 1),
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

// Name is the object's name.
func (o *SharedObject) Name() string { return o.name }

// Version is how often the server has changed the object, as far as it has told.
func (o *SharedObject) Version() uint32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.version
}

// Get returns a property of the local copy. The value is shared: it is not to be modified.
func (o *SharedObject) Get(name string) (any, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p, ok := o.properties[name]
	return p.value, ok
}

// Properties returns the local copy, sorted by name.
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

// Handle makes f be told of everything that happens to the object from now on, one event at a time and in order, on the
// goroutine that runs the Conn's handlers. nil: nobody is told.
//
// Nothing waits for f: Get and Properties may be ahead of what it is told. A slow f finds up to 16 MiB of events and calls
// waiting (see HandlerFunc); those beyond it is never told, and Stats.DroppedEvents counts them. Properties is right all
// the same.
func (o *SharedObject) Handle(f func(SharedObjectEvent)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.handler = f
}

// Set asks the server to change a property, and waits for its answer. A refusal is a *StatusError.
func (o *SharedObject) Set(ctx context.Context, name string, value any) error {
	data, err := message.AppendSharedProperty(nil, name, value)
	if err != nil {
		return o.error(err)
	}
	return o.request(ctx, &sharedWait{kind: sharedSet, property: name, value: value, data: data},
		message.SharedEvent{Type: message.SharedRequestChange, Data: data})
}

// Delete asks the server to remove a property, and waits for its answer. A refusal is a *StatusError.
func (o *SharedObject) Delete(ctx context.Context, name string) error {
	if len(name) > 0xFFFF {
		return o.error(fmt.Errorf("property name of %d bytes", len(name)))
	}
	return o.request(ctx, &sharedWait{kind: sharedDelete, property: name},
		message.SharedEvent{Type: message.SharedRequestRemove, Data: message.AppendSharedName(nil, name)})
}

// Send sends a message to all clients of the object, this one included: their Handle gets it. Servers don't answer.
func (o *SharedObject) Send(ctx context.Context, handler string, args ...any) error {
	data, err := amf.AppendAMF0(amf.AppendString(nil, handler), args...)
	if err != nil {
		return o.error(err)
	}
	return o.send(ctx, message.SharedEvent{Type: message.SharedSendMessage, Data: data})
}

// Close releases the object: the server tells no more of it, and pending Sets return net.ErrClosed. The Conn goes on.
func (o *SharedObject) Close() error {
	o.mu.Lock()
	closed := o.closed
	o.closed, o.handler = true, nil
	o.mu.Unlock()
	if closed {
		return nil
	}
	o.refuse(fmt.Errorf("rtmp: %w", net.ErrClosed), true)
	o.table.remove(o)
	if !o.conn.alive() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	return o.transmit(ctx, message.SharedEvent{Type: message.SharedRelease})
}

func (o *SharedObject) error(err error) error {
	return session.During("shared object "+o.name, err)
}

func (o *SharedObject) send(ctx context.Context, e message.SharedEvent) error {
	o.mu.Lock()
	closed := o.closed
	o.mu.Unlock()
	if closed {
		return o.error(net.ErrClosed)
	}
	return o.transmit(ctx, e)
}

func (o *SharedObject) transmit(ctx context.Context, e message.SharedEvent) error {
	body, err := message.AppendSharedObject(nil, message.TypeSharedObjectAMF0, &message.SharedObject{Name: o.name,
		Version: o.Version(), Persistent: o.persistent, Events: []message.SharedEvent{e}})
	if err != nil {
		return o.error(err)
	}
	if err := o.conn.session.Send(ctx, session.Encode(message.TypeSharedObjectAMF0, 0, 0, body)); err != nil {
		return o.error(err)
	}
	return nil
}

// request sends an event and waits for the server's answer to it.
func (o *SharedObject) request(ctx context.Context, w *sharedWait, e message.SharedEvent) error {
	w.answer = &expectation{done: make(chan struct{})}
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.waits = slices.DeleteFunc(o.waits, func(other *sharedWait) bool { return other == w })
	}()
	if err := o.ask(ctx, w, e); err != nil {
		return err
	}
	c := o.conn
	err := c.session.AwaitReply(ctx, "shared object "+o.name, w.answer.done)
	if !w.answer.finished() {
		return err
	}
	if w.answer.err != nil {
		return o.error(w.answer.err)
	}
	return nil
}

// ask sends an event and puts its wait in line, both in the same order.
func (o *SharedObject) ask(ctx context.Context, w *sharedWait, e message.SharedEvent) error {
	select {
	case o.order <- struct{}{}:
		defer func() { <-o.order }()
	case <-ctx.Done():
		return o.error(ctx.Err())
	}
	o.mu.Lock()
	o.waits = append(o.waits, w)
	o.mu.Unlock()
	return o.send(ctx, e)
}

// refuse ends the oldest wait, or all, with err, and reports whether there was one.
func (o *SharedObject) refuse(err error, all bool) (found bool) {
	for o.finish(err, func(*sharedWait) bool { return true }) {
		if found = true; !all {
			break
		}
	}
	return found
}

// finish ends the oldest wait that match accepts.
func (o *SharedObject) finish(err error, match func(*sharedWait) bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.waits, match)
	if i < 0 {
		return false
	}
	o.waits[i].answer.finish(err)
	o.waits = slices.Delete(o.waits, i, i+1)
	return true
}
