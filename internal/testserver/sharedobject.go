package testserver

import (
	"slices"
	"sync"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// Limits on what clients can make the server keep of shared objects.
const (
	maxSharedObjects    = 256
	maxSharedProperties = 4096 // of one object
)

// sharedObjects keeps the shared objects of a server. Clients are told through queues of their own, so that none of them
// holds up another.
type sharedObjects struct {
	mu    sync.Mutex // guards everything below
	byKey map[sharedKey]*sharedObject
}

// sharedKey tells objects apart: each application has its own.
type sharedKey struct{ app, name string }

type sharedObject struct {
	persistent bool
	version    uint32
	properties []amf.Property
	users      map[*Session]struct{}
}

// How much may wait for a client before it is dropped.
const (
	maxSharedQueue = 1024     // messages
	maxSharedBytes = 32 << 20 // unless one message alone is longer
)

// sharedReceived serves a shared object message. Whatever its events lead to is one message to each user.
func (s *Session) sharedReceived(m *session.Message) error {
	in, err := message.ParseSharedObject(m.Type, m.Payload())
	if err != nil {
		return err
	}
	h, key := &s.server.shared, sharedKey{s.app, in.Name}
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.byKey[key]
	var news sharedNews
	for _, e := range in.Events {
		switch {
		case e.Type == message.SharedUse:
			if o = h.use(s, key, in.Persistent, &news); o == nil {
				news.refuse("SharedObject.NoReadAccess")
			}
		case o == nil || !o.usedBy(s):
			news.refuse("SharedObject.BadPersistence")
		case e.Type == message.SharedRelease:
			h.release(s, key)
		default:
			if err := o.change(in.Name, e, s.server.cfg.RefuseShared, &news); err != nil {
				return err
			}
		}
	}
	if o == nil {
		o = &sharedObject{persistent: in.Persistent} // for what its user-to-be is told
	}
	o.tell(s, in.Name, news)
	return nil
}

// sharedNews are what a message leads to: events for its sender and for the other users.
type sharedNews struct{ sender, others []message.SharedEvent }

func (n *sharedNews) refuse(code string) {
	n.sender = append(n.sender, message.SharedEvent{Type: message.SharedStatus,
		Data: message.AppendSharedName(message.AppendSharedName(nil, code), "error")})
}

func (n *sharedNews) all(e message.SharedEvent) {
	n.sender, n.others = append(n.sender, e), append(n.others, e)
}

// use makes a session a user of an object and tells it what there is. The caller holds h.mu.
func (h *sharedObjects) use(s *Session, key sharedKey, persistent bool, news *sharedNews) *sharedObject {
	o := h.byKey[key]
	if o == nil {
		if len(h.byKey) == maxSharedObjects {
			return nil
		}
		o = &sharedObject{persistent: persistent, users: make(map[*Session]struct{})}
		if h.byKey == nil {
			h.byKey = make(map[sharedKey]*sharedObject)
		}
		h.byKey[key] = o
	}
	o.users[s] = struct{}{}
	news.sender = append(news.sender, message.SharedEvent{Type: message.SharedUseSuccess}, message.SharedEvent{Type: message.SharedClear})
	for _, p := range o.properties {
		if data, err := message.AppendSharedProperty(nil, p.Name, p.Value); err == nil {
			news.sender = append(news.sender, message.SharedEvent{Type: message.SharedChange, Data: data})
		}
	}
	return o
}

func (o *sharedObject) usedBy(s *Session) bool {
	_, ok := o.users[s]
	return ok
}

// release ends a session's use, and an object that is not persistent with the last one. The caller holds h.mu.
func (h *sharedObjects) release(s *Session, key sharedKey) {
	o := h.byKey[key]
	if o == nil {
		return
	}
	delete(o.users, s)
	if len(o.users) == 0 && !o.persistent {
		delete(h.byKey, key)
	}
}

// leave ends everything a session uses.
func (h *sharedObjects) leave(s *Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key := range h.byKey {
		h.release(s, key)
	}
	close(s.shared)
}

// change serves the request of a user. The caller holds sharedObjects.mu.
func (o *sharedObject) change(name string, e message.SharedEvent, refused func(string) bool, news *sharedNews) error {
	writes := e.Type == message.SharedRequestChange || e.Type == message.SharedRequestRemove
	if writes && refused != nil && refused(name) {
		news.refuse("SharedObject.NoWriteAccess")
		return nil
	}
	switch e.Type {
	case message.SharedRequestChange:
		properties, err := e.Properties()
		if err != nil {
			return err
		}
		for _, p := range properties {
			o.set(p, news)
		}
	case message.SharedRequestRemove:
		names, err := e.Names()
		if err != nil {
			return err
		}
		o.properties = slices.DeleteFunc(o.properties, func(p amf.Property) bool { return slices.Contains(names, p.Name) })
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
	i := slices.IndexFunc(o.properties, func(old amf.Property) bool { return old.Name == p.Name })
	switch {
	case err != nil || i < 0 && len(o.properties) == maxSharedProperties:
		news.refuse("SharedObject.NoWriteAccess")
		return
	case i < 0:
		o.properties = append(o.properties, p)
	default:
		o.properties[i] = p
	}
	o.version++
	news.sender = append(news.sender, message.SharedEvent{Type: message.SharedSuccess, Data: message.AppendSharedName(nil, p.Name)})
	news.others = append(news.others, message.SharedEvent{Type: message.SharedChange, Data: data})
}

// tell tells the sender of a message and the other users what it has led to. The caller holds sharedObjects.mu.
func (o *sharedObject) tell(sender *Session, name string, news sharedNews) {
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

// tellShared queues a message for a client, and hangs up on one that is too slow. The caller holds sharedObjects.mu.
func (s *Session) tellShared(body []byte) {
	if n := int64(len(body)); s.sharedQueued.Add(n) > max(n, maxSharedBytes) {
		s.nc.Close()
		return
	}
	select {
	case s.shared <- session.Encode(message.TypeSharedObjectAMF0, 0, 0, body):
	default:
		s.nc.Close()
	}
}

// sendShared sends what tellShared has queued.
func (s *Session) sendShared() {
	for o := range s.shared {
		if s.Send(o) != nil {
			s.nc.Close()
		}
		s.sharedQueued.Add(-int64(len(o.Body)))
	}
}
