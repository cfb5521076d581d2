package server

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// Defaults of SharedPolicy, and limits that apply to all applications.
const (
	defaultSharedObjects = 256
	defaultSharedSize    = 1 << 20
	maxSharedName        = 1024      // bytes
	maxSharedChanges     = 1 << 15   // properties of an object, and changes by one message: clients accept 65536 events in a message
	maxSharedTotal       = 256 << 20 // memory of all objects of a server in bytes; persistent objects are never removed
)

var (
	errSharedSlow    = errors.New("rtmp: the client does not read the changes of its shared objects")
	errSharedChanges = errors.New("rtmp: too many changes of a shared object in one message")
)

// sharedObjects holds the shared objects of a server. It never waits for a client.
type sharedObjects struct {
	mu    sync.Mutex // guards everything below
	byKey map[sharedKey]*sharedObject
	count map[string]int // objects, by application
	total int            // memory of all objects in bytes
}

// sharedKey identifies an object: each instance of an application has its own.
type sharedKey struct{ app, name string }

type sharedObject struct {
	all        *sharedObjects
	policy     *SharedPolicy
	persistent bool
	version    uint32
	stored     uint32            // version in the file; 0 if there is none
	size       int               // memory of the properties in bytes
	properties map[string][]byte // the name and value of each property, encoded by AppendSharedProperty
	users      map[*Conn]struct{}
}

// These sizes, in bytes, are added to those of names and values.
const (
	sharedOverhead       = 64  // memory of a property
	sharedObjectOverhead = 512 // memory of an object
)

// sharedReceived passes a shared object message to the hooks' goroutine, which calls SharedPolicy.Write.
func (d *dispatcher) sharedReceived(m *session.Message) {
	in, err := message.ParseSharedObject(m.Type, bytes.Clone(m.Payload()))
	if err != nil {
		d.session.Unreadable(m, err)
		return
	}
	d.later(m.Size(), func() {
		if d.connected.Load() && !d.leaving.Load() {
			d.server.shared.serve(d.Conn, in)
		}
	})
}

// serve serves a message and sends each user one message with all resulting events.
func (h *sharedObjects) serve(c *Conn, in message.SharedObject) {
	policy := c.application().Shared
	if policy == nil {
		policy = new(SharedPolicy)
	}
	var refused error
	if policy.Write != nil && slices.ContainsFunc(in.Events, writes) {
		refused = policy.Write(c, in.Name) // called without the lock, since the hook may wait
	}
	if refused != nil {
		c.log.Debug("rtmp: shared object: change refused", "error", refused)
	}
	key := sharedKey{c.App(), in.Name}
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.byKey[key]
	var updates sharedUpdates
	released := false
	for _, e := range in.Events {
		if released { // ignore the other events, so that one message causes at most one write of a file
			break
		}
		switch {
		case e.Type == message.SharedUse:
			if o = h.use(c, key, in.Persistent, policy, &updates); o == nil {
				updates.refuse("SharedObject.NoReadAccess")
			}
		case o == nil || !o.usedBy(c):
			updates.refuse("SharedObject.BadPersistence")
		case e.Type == message.SharedRelease:
			h.release(c, key)
			released = true
		case writes(e) && refused != nil:
			updates.refuse("SharedObject.NoWriteAccess")
		default:
			if err := o.change(e, &updates); err != nil {
				c.log.Debug("rtmp: shared object", "error", err)
			}
		}
	}
	if o == nil {
		o = &sharedObject{persistent: in.Persistent} // not stored; only needed to answer the client
	}
	o.send(c, in.Name, updates)
}

func writes(e message.SharedEvent) bool {
	return e.Type == message.SharedRequestChange || e.Type == message.SharedRequestRemove
}

// sharedUpdates are the events that result from a message: those for its sender, and those for the other users.
type sharedUpdates struct {
	sender, others []message.SharedEvent
	contents       bool // send all properties to the sender, once
}

func (u *sharedUpdates) refuse(code string) {
	u.sender = append(u.sender, message.SharedEvent{Type: message.SharedStatus,
		Data: message.AppendSharedName(message.AppendSharedName(nil, code), "error")})
}

func (u *sharedUpdates) all(e message.SharedEvent) {
	u.sender, u.others = append(u.sender, e), append(u.others, e)
}

// use makes a client a user of an object, and adds the object's properties to updates. The caller holds h.mu.
func (h *sharedObjects) use(c *Conn, key sharedKey, persistent bool, policy *SharedPolicy, updates *sharedUpdates) *sharedObject {
	o := h.byKey[key]
	if o == nil {
		cost := sharedObjectOverhead + len(key.app) + len(key.name)
		if h.count[key.app] >= orDefault(policy.MaxObjects, defaultSharedObjects, 1<<30) || len(key.name) > maxSharedName ||
			h.total+cost > maxSharedTotal {
			return nil
		}
		o = &sharedObject{all: h, policy: policy, persistent: persistent, properties: make(map[string][]byte), users: make(map[*Conn]struct{})}
		if persistent && policy.Dir != "" {
			if err := o.load(key); err != nil {
				h.total -= o.size
				c.log.Warn("rtmp: shared object", "error", err)
				return nil
			}
		}
		if h.byKey == nil {
			h.byKey, h.count = make(map[sharedKey]*sharedObject), make(map[string]int)
		}
		h.byKey[key] = o
		h.count[key.app]++
		h.total += cost
	}
	o.users[c] = struct{}{}
	if updates.contents {
		return o
	}
	updates.contents = true
	updates.sender = append(updates.sender, message.SharedEvent{Type: message.SharedUseSuccess}, message.SharedEvent{Type: message.SharedClear})
	updates.sender = append(updates.sender, o.changes()...)
	return o
}

// changes returns change events for all properties, ordered by name.
func (o *sharedObject) changes() (events []message.SharedEvent) {
	for _, name := range slices.Sorted(maps.Keys(o.properties)) {
		events = append(events, message.SharedEvent{Type: message.SharedChange, Data: o.properties[name]})
	}
	return events
}

// put sets a property, or removes it if data is nil.
func (o *sharedObject) put(name string, data []byte) {
	before := o.size
	if old, found := o.properties[name]; found {
		o.size -= len(old) + sharedOverhead
		delete(o.properties, name)
	}
	if data != nil {
		o.size += len(data) + sharedOverhead
		o.properties[name] = data
	}
	o.all.total += o.size - before
}

func (o *sharedObject) usedBy(c *Conn) bool {
	_, ok := o.users[c]
	return ok
}

// release ends a client's use of an object. When the last user has left, the object is removed from memory, unless it is persistent and has
// no file. The caller holds h.mu.
func (h *sharedObjects) release(c *Conn, key sharedKey) {
	o := h.byKey[key]
	if o == nil || !o.usedBy(c) {
		return
	}
	delete(o.users, c)
	if len(o.users) > 0 || o.persistent && o.policy.Dir == "" {
		return
	}
	if o.persistent {
		if err := o.save(key); err != nil {
			c.log.Warn("rtmp: shared object", "error", err)
			return
		}
	}
	delete(h.byKey, key)
	h.total -= o.size + sharedObjectOverhead + len(key.app) + len(key.name)
	if h.count[key.app]--; h.count[key.app] == 0 {
		delete(h.count, key.app)
	}
}

// leave ends the client's use of all objects.
func (h *sharedObjects) leave(c *Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key := range h.byKey {
		h.release(c, key)
	}
}

// change serves an event from a user. The caller holds sharedObjects.mu.
func (o *sharedObject) change(e message.SharedEvent, updates *sharedUpdates) error {
	switch e.Type {
	case message.SharedRequestChange:
		for p, err := range e.EachProperty() {
			if err != nil {
				return err
			}
			if len(updates.sender) > maxSharedChanges { // set has refused the last one
				return errSharedChanges
			}
			o.set(p, updates)
		}
	case message.SharedRequestRemove:
		for _, err := range e.EachName() {
			if err != nil {
				return err
			}
		}
		for name := range e.EachName() {
			o.put(name, nil)
		}
		o.version++
		updates.all(message.SharedEvent{Type: message.SharedRemove, Data: e.Data})
	case message.SharedSendMessage:
		updates.all(e)
	}
	return nil
}

// set changes a property, unless the new value exceeds the limits.
func (o *sharedObject) set(p amf.Property, updates *sharedUpdates) {
	data, err := message.AppendSharedProperty(nil, p.Name, p.Value)
	size, full := o.size+len(data), len(updates.sender) >= maxSharedChanges
	if old, found := o.properties[p.Name]; found {
		size -= len(old)
	} else {
		size += sharedOverhead
		full = full || len(o.properties) >= maxSharedChanges
	}
	if err != nil || full || size > orDefault(o.policy.MaxSize, defaultSharedSize, 1<<30) || o.all.total+size-o.size > maxSharedTotal {
		updates.refuse("SharedObject.NoWriteAccess")
		return
	}
	o.put(p.Name, data)
	o.version++
	updates.sender = append(updates.sender, message.SharedEvent{Type: message.SharedSuccess, Data: message.AppendSharedName(nil, p.Name)})
	updates.others = append(updates.others, message.SharedEvent{Type: message.SharedChange, Data: data})
}

// send sends updates to the sender of a message and to the other users. The caller holds sharedObjects.mu.
func (o *sharedObject) send(sender *Conn, name string, updates sharedUpdates) {
	encode := func(events []message.SharedEvent) []byte {
		body, err := message.AppendSharedObject(nil, message.TypeSharedObjectAMF0,
			&message.SharedObject{Name: name, Version: o.version, Persistent: o.persistent, Events: events})
		if err != nil {
			return nil
		}
		return body
	}
	if len(updates.sender) > 0 {
		sender.sendShared(encode(updates.sender))
	}
	if len(updates.others) == 0 {
		return
	}
	body := encode(updates.others)
	for user := range o.users {
		if user != sender {
			user.sendShared(body)
		}
	}
}

// sendShared sends a message without waiting. If the send queue is full, it ends the connection.
func (c *Conn) sendShared(body []byte) {
	if len(body) == 0 {
		return
	}
	if !c.session.TryReply(session.Encode(message.TypeSharedObjectAMF0, 0, 0, body)) {
		c.session.Fail(errSharedSlow)
		return
	}
	c.session.FlushReplies()
}
