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

// Defaults of SharedPolicy, and a limit on the names of all objects of all applications.
const (
	defaultSharedObjects = 256
	defaultSharedSize    = 1 << 20
	maxSharedName        = 1024      // bytes
	maxSharedTotal       = 256 << 20 // bytes of memory, of all objects of a server: those that are kept have no other end
)

var errSharedSlow = errors.New("server: the client does not read what happens to its shared objects")

// sharedObjects keeps the shared objects of a server. Clients are told without waiting for them.
type sharedObjects struct {
	mu    sync.Mutex // guards everything below
	byKey map[sharedKey]*sharedObject
	count map[string]int // objects, by application
	total int            // of all objects, in bytes of memory
}

// sharedKey tells objects apart: each instance of an application has its own.
type sharedKey struct{ app, name string }

type sharedObject struct {
	all        *sharedObjects
	policy     *SharedPolicy
	persistent bool
	version    uint32
	size       int               // of properties, in bytes of memory
	properties map[string][]byte // by name; name and value, as AppendSharedProperty makes them
	users      map[*Conn]struct{}
}

// What is counted beside data and names, in bytes of memory.
const (
	sharedOverhead       = 64  // of a property
	sharedObjectOverhead = 512 // of an object
)

// sharedReceived leaves a shared object message to the hooks, since SharedPolicy.Write is one.
func (c *Conn) sharedReceived(m *session.Message) {
	in, err := message.ParseSharedObject(m.Type, bytes.Clone(m.Payload()))
	if err != nil {
		c.core.Unreadable(m, err)
		return
	}
	c.later(m.Size(), func() {
		if c.isConnected() && !c.leaving.Load() {
			c.server.shared.serve(c, in)
		}
	})
}

// serve serves a message. Whatever its events lead to is one message to each user.
func (h *sharedObjects) serve(c *Conn, in message.SharedObject) {
	policy := c.application().Shared
	if policy == nil {
		policy = new(SharedPolicy)
	}
	var refused error
	if policy.Write != nil && slices.ContainsFunc(in.Events, writes) {
		refused = policy.Write(c, in.Name) // without the lock: it may wait
	}
	key := sharedKey{c.App(), in.Name}
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.byKey[key]
	var news sharedNews
	released := false
	for _, e := range in.Events {
		if released { // nothing comes after it, so that a message leads to one file at most
			break
		}
		switch {
		case e.Type == message.SharedUse:
			if o = h.use(c, key, in.Persistent, policy, &news); o == nil {
				news.refuse("SharedObject.NoReadAccess")
			}
		case o == nil || !o.usedBy(c):
			news.refuse("SharedObject.BadPersistence")
		case e.Type == message.SharedRelease:
			h.release(c, key)
			released = true
		case writes(e) && refused != nil:
			news.refuse("SharedObject.NoWriteAccess")
		default:
			if err := o.change(e, &news); err != nil {
				c.log.Debug("rtmp: shared object", "error", err)
			}
		}
	}
	if o == nil {
		o = &sharedObject{persistent: in.Persistent} // for what its user-to-be is told
	}
	o.tell(c, in.Name, news)
}

func writes(e message.SharedEvent) bool {
	return e.Type == message.SharedRequestChange || e.Type == message.SharedRequestRemove
}

// sharedNews are what a message leads to: events for its sender and for the other users.
type sharedNews struct {
	sender, others []message.SharedEvent
	contents       bool // the sender is told all properties, which is done once
}

func (n *sharedNews) refuse(code string) {
	n.sender = append(n.sender, message.SharedEvent{Type: message.SharedStatus,
		Data: message.AppendSharedName(message.AppendSharedName(nil, code), "error")})
}

func (n *sharedNews) all(e message.SharedEvent) {
	n.sender, n.others = append(n.sender, e), append(n.others, e)
}

// use makes a client a user of an object and tells it what there is. The caller holds h.mu.
func (h *sharedObjects) use(c *Conn, key sharedKey, persistent bool, policy *SharedPolicy, news *sharedNews) *sharedObject {
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
	if news.contents {
		return o
	}
	news.contents = true
	news.sender = append(news.sender, message.SharedEvent{Type: message.SharedUseSuccess}, message.SharedEvent{Type: message.SharedClear})
	news.sender = append(news.sender, o.changes()...)
	return o
}

// changes are events with all properties, in the order of their names.
func (o *sharedObject) changes() (events []message.SharedEvent) {
	for _, name := range slices.Sorted(maps.Keys(o.properties)) {
		events = append(events, message.SharedEvent{Type: message.SharedChange, Data: o.properties[name]})
	}
	return events
}

// put sets or, with nil, removes a property.
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

// release ends a client's use, and with the last one an object that is not persistent, or is kept in a file. The caller holds h.mu.
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

// leave ends everything a client uses.
func (h *sharedObjects) leave(c *Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key := range h.byKey {
		h.release(c, key)
	}
}

// change serves the request of a user. The caller holds sharedObjects.mu.
func (o *sharedObject) change(e message.SharedEvent, news *sharedNews) error {
	switch e.Type {
	case message.SharedRequestChange:
		for p, err := range e.EachProperty() {
			if err != nil {
				return err
			}
			o.set(p, news)
		}
	case message.SharedRequestRemove:
		names, err := e.Names()
		if err != nil {
			return err
		}
		for _, name := range names {
			o.put(name, nil)
		}
		o.version++
		news.all(message.SharedEvent{Type: message.SharedRemove, Data: e.Data})
	case message.SharedSendMessage:
		news.all(e)
	}
	return nil
}

// set changes a property, if there is room for it.
func (o *sharedObject) set(p amf.Property, news *sharedNews) {
	data, err := message.AppendSharedProperty(nil, p.Name, p.Value)
	size := o.size + len(data)
	if old, found := o.properties[p.Name]; found {
		size -= len(old)
	} else {
		size += sharedOverhead
	}
	if err != nil || size > orDefault(o.policy.MaxSize, defaultSharedSize, 1<<30) || o.all.total+size-o.size > maxSharedTotal {
		news.refuse("SharedObject.NoWriteAccess")
		return
	}
	o.put(p.Name, data)
	o.version++
	news.sender = append(news.sender, message.SharedEvent{Type: message.SharedSuccess, Data: message.AppendSharedName(nil, p.Name)})
	news.others = append(news.others, message.SharedEvent{Type: message.SharedChange, Data: data})
}

// tell tells the sender of a message and the other users what it has led to. The caller holds sharedObjects.mu.
func (o *sharedObject) tell(sender *Conn, name string, news sharedNews) {
	encode := func(events []message.SharedEvent) []byte {
		body, err := message.AppendSharedObject(nil, message.TypeSharedObjectAMF0,
			&message.SharedObject{Name: name, Version: o.version, Persistent: o.persistent, Events: events})
		if err != nil {
			return nil
		}
		return body
	}
	if len(news.sender) > 0 {
		sender.tellShared(encode(news.sender))
	}
	if len(news.others) == 0 {
		return
	}
	body := encode(news.others)
	for user := range o.users {
		if user != sender {
			user.tellShared(body)
		}
	}
}

// tellShared sends a message without waiting, and ends a connection that is too slow.
func (c *Conn) tellShared(body []byte) {
	if len(body) == 0 {
		return
	}
	if !c.core.TryReply(session.Encode(message.TypeSharedObjectAMF0, 0, 0, body)) {
		c.core.Fail(errSharedSlow)
		return
	}
	c.core.FlushReplies()
}
