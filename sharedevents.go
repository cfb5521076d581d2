package rtmp

import (
	"bytes"
	"errors"
	"slices"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/message"
)

// sharedObjectReceived applies a shared object message. Damaged ones are skipped: what came before the damage counts.
func (c *Conn) sharedObjectReceived(m *incoming) error {
	parsed, err := message.ParseSharedObject(m.Type, m.body())
	if err != nil {
		c.unreadable(m, err)
		return nil
	}
	o := c.shared.of(parsed.Name)
	if o == nil {
		return nil
	}
	for _, e := range parsed.Events {
		if err := o.apply(e); err != nil {
			var tooMuch *ProtocolError
			if errors.As(err, &tooMuch) {
				return err
			}
			c.counts.badData.Add(1)
			c.log.Debug("rtmp: unreadable shared object event", "error", err)
		}
	}
	o.mu.Lock()
	o.version = parsed.Version
	o.mu.Unlock()
	return nil
}

// apply does what an event says. Called by the reader.
func (o *SharedObject) apply(e message.SharedEvent) error {
	switch e.Type {
	case message.SharedUseSuccess, message.SharedChange:
		if e.Type == message.SharedUseSuccess {
			o.used()
		}
		properties, err := e.Properties()
		for _, p := range properties {
			if err := o.put(p, len(e.Data)/len(properties)); err != nil {
				return err
			}
			o.echoed(p)
		}
		return err
	case message.SharedSuccess:
		names, err := e.Names()
		for _, name := range names {
			if err := o.granted(name); err != nil {
				return err
			}
		}
		return err
	case message.SharedRemove:
		names, err := e.Names()
		for _, name := range names {
			o.drop(name)
		}
		return err
	case message.SharedClear:
		o.clear()
		o.used()
	case message.SharedSendMessage:
		name, args, err := e.Message()
		if err != nil {
			return err
		}
		return o.tell(SharedObjectEvent{Kind: SharedObjectMessage, Name: name, Args: args})
	case message.SharedStatus:
		status, err := e.Status()
		if err != nil {
			return err
		}
		if refused := statusError(status); !o.refuse(refused, false) {
			return o.tell(SharedObjectEvent{Kind: SharedObjectRefused, Err: refused})
		}
	}
	return nil
}

// used ends the wait for Use.
func (o *SharedObject) used() { o.finish(nil, func(w *sharedWait) bool { return w.kind == sharedUse }) }

// granted makes what was asked for true: the requester is told Success in the place of the change itself.
func (o *SharedObject) granted(name string) error {
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
		o.drop(name)
		return nil
	}
	err := o.put(amf.Property{Name: name, Value: w.value}, len(w.data))
	o.answered(name, sharedSet)
	return err
}

// echoed takes a change for the answer to our own request, if it is what we asked for and the server is one of those that
// never send Success.
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
			w.answer.finish(nil)
			return
		}
	}
}

func (o *SharedObject) put(p amf.Property, size int) error {
	o.mu.Lock()
	o.size += size - o.properties[p.Name].size
	o.properties[p.Name] = sharedProperty{value: p.Value, size: size}
	total := o.size
	o.mu.Unlock()
	if total > maxSharedBytes {
		return &ProtocolError{Phase: "shared object", Detail: "limit of bytes", Value: total}
	}
	return o.tell(SharedObjectEvent{Kind: SharedObjectChanged, Name: p.Name, Value: p.Value})
}

func (o *SharedObject) drop(name string) {
	o.mu.Lock()
	p, existed := o.properties[name]
	o.size -= p.size
	delete(o.properties, name)
	o.mu.Unlock()
	o.answered(name, sharedDelete)
	if existed {
		o.tell(SharedObjectEvent{Kind: SharedObjectDeleted, Name: name})
	}
}

func (o *SharedObject) clear() {
	o.mu.Lock()
	some := len(o.properties) > 0
	clear(o.properties)
	o.size = 0
	o.mu.Unlock()
	if some {
		o.tell(SharedObjectEvent{Kind: SharedObjectCleared})
	}
}

// tell leaves an event to the handlers' goroutine.
func (o *SharedObject) tell(e SharedObjectEvent) error {
	o.mu.Lock()
	handler := o.handler
	o.mu.Unlock()
	if handler == nil {
		return nil
	}
	return o.conn.invoked.run(o.conn, func() { handler(e) })
}

// answered ends the oldest wait of that kind for a property.
func (o *SharedObject) answered(property string, kind sharedRequest) {
	o.finish(nil, func(w *sharedWait) bool { return w.kind == kind && w.property == property })
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
