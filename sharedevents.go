package rtmp

import (
	"bytes"
	"errors"
	"slices"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// received applies the events of a shared object message. If the message is damaged, received applies the events before the damage.
func (t *sharedTable) received(m *session.Message) error {
	parsed, err := message.ParseSharedObject(m.Type, m.Payload())
	if err != nil {
		t.conn.session.Unreadable(m, err)
		return nil
	}
	o := t.of(parsed.Name)
	if o == nil {
		return nil
	}
	news := &sharedNews{object: o, handler: o.currentHandler()}
	defer news.deliver()
	for _, e := range parsed.Events {
		if err := o.apply(e, news); err != nil {
			var tooMuch *ProtocolError
			if errors.As(err, &tooMuch) {
				return err
			}
			t.conn.counts.BadData.Add(1)
			t.conn.log.Debug("rtmp: unreadable shared object event", "error", err)
		}
	}
	o.mu.Lock()
	o.version = parsed.Version
	o.mu.Unlock()
	return nil
}

// sharedNews collects the events of one message for the handler.
type sharedNews struct {
	object  *SharedObject
	handler func(SharedObjectEvent)
	events  []SharedObjectEvent
	size    int // memory of the events in bytes
	dropped int
}

// currentHandler returns the handler of the program, or nil if there is none.
func (o *SharedObject) currentHandler() func(SharedObjectEvent) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.handler
}

func (n *sharedNews) add(e SharedObjectEvent) {
	switch {
	case n.handler == nil:
	case n.size > session.MaxCallbackBytes: // the events of one message can need many times the memory of the message
		n.dropped++
	default:
		n.size += session.CallbackSize + len(e.Name) + amf.Size(e.Value, e.Args)
		n.events = append(n.events, e)
	}
}

// deliver passes the events to the handlers' goroutine.
func (n *sharedNews) deliver() {
	if n.handler == nil || len(n.events) == 0 {
		return
	}
	events, handler := n.events, n.handler
	if !n.object.conn.events.queue.Run(n.size, func() {
		for _, e := range events {
			handler(e)
		}
	}) {
		n.dropped += len(events)
	}
	if n.dropped > 0 {
		n.object.conn.events.drop(n.dropped, n.object.name)
	}
}

// apply applies an event. The reader calls it.
func (o *SharedObject) apply(e message.SharedEvent, news *sharedNews) error {
	switch e.Type {
	case message.SharedUseSuccess, message.SharedChange:
		if e.Type == message.SharedUseSuccess {
			o.used()
		}
		for p, err := range e.EachProperty() {
			if err == nil {
				err = o.put(p, amf.Size(p.Value), news)
			}
			if err != nil {
				return err
			}
			o.echoed(p)
		}
	case message.SharedSuccess:
		for name, err := range e.EachName() {
			if err == nil {
				err = o.granted(name, news)
			}
			if err != nil {
				return err
			}
		}
	case message.SharedRemove:
		for name, err := range e.EachName() {
			if err != nil {
				return err
			}
			o.drop(name, news)
		}
	case message.SharedClear:
		o.clear(news)
		o.used()
	case message.SharedSendMessage:
		name, args, err := e.Message()
		if err != nil {
			return err
		}
		news.add(SharedObjectEvent{Kind: SharedObjectMessage, Name: name, Args: args})
	case message.SharedStatus:
		status, err := e.Status()
		if err != nil {
			return err
		}
		if !o.refuse(status, false) {
			news.add(SharedObjectEvent{Kind: SharedObjectRefused, Err: status})
		}
	}
	return nil
}

// used ends the wait for the answer to Use.
func (o *SharedObject) used() { o.finish(nil, func(w *sharedWait) bool { return w.kind == sharedUse }) }

// granted applies a change that this client has requested. The server sends Success to this client, and the change to all others.
func (o *SharedObject) granted(name string, news *sharedNews) error {
	o.mu.Lock()
	i := slices.IndexFunc(o.waits, func(w *sharedWait) bool { return w.kind != sharedUse && w.property == name })
	if i < 0 {
		o.mu.Unlock()
		return nil
	}
	w := o.waits[i]
	o.acknowledges = true
	o.mu.Unlock()
	if w.kind == sharedDelete {
		o.drop(name, news)
		return nil
	}
	err := o.put(amf.Property{Name: name, Value: w.value}, len(w.data), news)
	o.answered(name, sharedSet)
	return err
}

// echoed treats a change as the answer to a request of this client for the same change, if the server has never sent Success.
func (o *SharedObject) echoed(p amf.Property) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.acknowledges || len(o.waits) == 0 {
		return
	}
	data, err := message.AppendSharedProperty(nil, p.Name, p.Value)
	if err != nil {
		return
	}
	for _, w := range o.waits {
		if w.kind == sharedSet && bytes.Equal(w.data, data) {
			w.finish(nil)
			return
		}
	}
}

// put stores a property whose value takes size bytes.
func (o *SharedObject) put(p amf.Property, size int, news *sharedNews) error {
	size += sharedPropertySize + len(p.Name)
	o.mu.Lock()
	o.size += size - o.properties[p.Name].size
	o.properties[p.Name] = sharedProperty{value: p.Value, size: size}
	total := o.size
	o.mu.Unlock()
	if total > maxSharedBytes {
		return &ProtocolError{Phase: "shared object", Detail: "limit of bytes", Value: total}
	}
	news.add(SharedObjectEvent{Kind: SharedObjectChanged, Name: p.Name, Value: p.Value})
	return nil
}

func (o *SharedObject) drop(name string, news *sharedNews) {
	o.mu.Lock()
	p, existed := o.properties[name]
	o.size -= p.size
	delete(o.properties, name)
	o.mu.Unlock()
	o.answered(name, sharedDelete)
	if existed {
		news.add(SharedObjectEvent{Kind: SharedObjectDeleted, Name: name})
	}
}

func (o *SharedObject) clear(news *sharedNews) {
	o.mu.Lock()
	some := len(o.properties) > 0
	clear(o.properties)
	o.size = 0
	o.mu.Unlock()
	if some {
		news.add(SharedObjectEvent{Kind: SharedObjectCleared})
	}
}

// answered ends the oldest wait of a kind for a property.
func (o *SharedObject) answered(property string, kind sharedRequest) {
	o.finish(nil, func(w *sharedWait) bool { return w.kind == kind && w.property == property })
}
