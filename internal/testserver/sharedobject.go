package testserver

import (
	"slices"
	"sync"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// Limits on what clients can make the server keep of shared objects.
const (
	maxSharedObjects    = 256
	maxSharedProperties = 4096 // of one object
)

// sharedObjects keeps the shared objects of a server: all applications have the same. Clients are told through queues of
// their own, so that none of them holds up another.
type sharedObjects struct {
	mu     sync.Mutex // guards everything below
	byName map[string]*sharedObject
}

type sharedObject struct {
	persistent bool
	version    uint32
	properties []amf.Property
	users      map[*Session]struct{}
}

// maxSharedQueue is how many messages may wait for a client before it is dropped.
const maxSharedQueue = 1024

// sharedReceived serves a shared object message.
func (s *Session) sharedReceived(m *chunk.Message) error {
	in, err := message.ParseSharedObject(message.Type(m.Type), m.Body())
	if err != nil {
		return err
	}
	h := &s.server.shared
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.byName[in.Name]
	for _, e := range in.Events {
		switch {
		case e.Type == message.SharedUse:
			if o = h.use(s, &in); o == nil {
				s.tellShared(in.Name, 0, in.Persistent, status("SharedObject.NoReadAccess"))
			}
		case o == nil:
			s.tellShared(in.Name, 0, in.Persistent, status("SharedObject.BadPersistence"))
		case e.Type == message.SharedRelease:
			h.release(s, in.Name)
		default:
			if err := o.change(s, in.Name, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// use makes a session a user of an object and tells it what there is. The caller holds h.mu.
func (h *sharedObjects) use(s *Session, in *message.SharedObject) *sharedObject {
	o := h.byName[in.Name]
	if o == nil {
		if len(h.byName) == maxSharedObjects {
			return nil
		}
		o = &sharedObject{persistent: in.Persistent, users: make(map[*Session]struct{})}
		if h.byName == nil {
			h.byName = make(map[string]*sharedObject)
		}
		h.byName[in.Name] = o
	}
	o.users[s] = struct{}{}
	events := []message.SharedEvent{{Type: message.SharedUseSuccess}, {Type: message.SharedClear}}
	for _, p := range o.properties {
		if data, err := message.AppendSharedProperty(nil, p.Name, p.Value); err == nil {
			events = append(events, message.SharedEvent{Type: message.SharedChange, Data: data})
		}
	}
	s.tellShared(in.Name, o.version, o.persistent, events...)
	return o
}

// release ends a session's use, and an object that is not persistent with the last one. The caller holds h.mu.
func (h *sharedObjects) release(s *Session, name string) {
	o := h.byName[name]
	if o == nil {
		return
	}
	delete(o.users, s)
	if len(o.users) == 0 && !o.persistent {
		delete(h.byName, name)
	}
}

// leave ends everything a session uses.
func (h *sharedObjects) leave(s *Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name := range h.byName {
		h.release(s, name)
	}
	close(s.shared)
}

// change serves the request of a user. The caller holds sharedObjects.mu.
func (o *sharedObject) change(s *Session, name string, e message.SharedEvent) error {
	refused := s.server.cfg.RefuseShared
	switch e.Type {
	case message.SharedRequestChange:
		properties, err := e.Properties()
		if err != nil {
			return err
		}
		if refused != nil && refused(name) || len(o.properties)+len(properties) > maxSharedProperties {
			s.tellShared(name, o.version, o.persistent, status("SharedObject.NoWriteAccess"))
			return nil
		}
		for _, p := range properties {
			o.set(p)
			o.version++
			s.tellShared(name, o.version, o.persistent,
				message.SharedEvent{Type: message.SharedSuccess, Data: message.AppendSharedName(nil, p.Name)})
			if data, err := message.AppendSharedProperty(nil, p.Name, p.Value); err == nil {
				o.tellOthers(s, name, message.SharedEvent{Type: message.SharedChange, Data: data})
			}
		}
	case message.SharedRequestRemove:
		names, err := e.Names()
		if err != nil {
			return err
		}
		if refused != nil && refused(name) {
			s.tellShared(name, o.version, o.persistent, status("SharedObject.NoWriteAccess"))
			return nil
		}
		o.properties = slices.DeleteFunc(o.properties, func(p amf.Property) bool { return slices.Contains(names, p.Name) })
		o.version++
		o.tellOthers(nil, name, message.SharedEvent{Type: message.SharedRemove, Data: e.Data})
	case message.SharedSendMessage:
		o.tellOthers(nil, name, e)
	}
	return nil
}

func (o *sharedObject) set(p amf.Property) {
	i := slices.IndexFunc(o.properties, func(old amf.Property) bool { return old.Name == p.Name })
	if i < 0 {
		o.properties = append(o.properties, p)
	} else {
		o.properties[i] = p
	}
}

// tellOthers tells all users but one.
func (o *sharedObject) tellOthers(but *Session, name string, e message.SharedEvent) {
	for user := range o.users {
		if user != but {
			user.tellShared(name, o.version, o.persistent, e)
		}
	}
}

func status(code string) message.SharedEvent {
	return message.SharedEvent{Type: message.SharedStatus,
		Data: message.AppendSharedName(message.AppendSharedName(nil, code), "error")}
}

// tellShared queues events for a client, and hangs up on one that is too slow. The caller holds sharedObjects.mu.
func (s *Session) tellShared(name string, version uint32, persistent bool, events ...message.SharedEvent) {
	body, err := message.AppendSharedObject(nil, message.TypeSharedObjectAMF0,
		&message.SharedObject{Name: name, Version: version, Persistent: persistent, Events: events})
	if err != nil {
		return
	}
	select {
	case s.shared <- chunk.Outgoing{Type: uint8(message.TypeSharedObjectAMF0), ChunkStreamID: 3, Format: chunk.Format3, Body: body}:
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
	}
}
