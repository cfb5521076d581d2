package message

import (
	"encoding/binary"
	"fmt"
	"io"
	"iter"

	"github.com/go-librtmp/rtmp/amf"
)

// SharedObject is a shared object message (types 19 and 16): events about one named object.
//
//	+--------+--------+------+---------+-------+---+--------+
//	| 0      | size   | name | version | flags | 0 | events |
//	| 0 or 1 | 2      | size | 4       | 4     | 4 |        |
//	+--------+--------+------+---------+-------+---+--------+
//
// The second line has the sizes in bytes; only type 16 has the first zero. flags is 2 for a persistent object and 0 otherwise. An event is
// its type (1 byte), the size of its data (4 bytes), and the data.
type SharedObject struct {
	Name       string
	Version    uint32 // the number of changes, counted by the server; a client sends the version it has seen
	Persistent bool
	Events     []SharedEvent
}

// SharedEvent is one event of a shared object message. Data is part of the body given to ParseSharedObject.
type SharedEvent struct {
	Type SharedEventType
	Data []byte
}

// SharedEventType is the type of a SharedEvent.
type SharedEventType uint8

// The types of events, and the contents of their Data. Clients send those marked "client" as requests.
const (
	SharedUse           SharedEventType = 1  // client: empty
	SharedRelease       SharedEventType = 2  // client: empty
	SharedRequestChange SharedEventType = 3  // client: properties
	SharedChange        SharedEventType = 4  // properties
	SharedSuccess       SharedEventType = 5  // names: the requester's acknowledgement, sent instead of a change
	SharedSendMessage   SharedEventType = 6  // client and server: a name as an AMF value, and arguments
	SharedStatus        SharedEventType = 7  // code and level
	SharedClear         SharedEventType = 8  // empty: the local copy is invalid
	SharedRemove        SharedEventType = 9  // names
	SharedRequestRemove SharedEventType = 10 // client: one name
	SharedUseSuccess    SharedEventType = 11 // empty, or properties
)

// persistentFlag marks an object that outlives its users' connections.
const persistentFlag = 2

const maxSharedEvents = 65536

// ParseSharedObject reads the body of a message of type 19 or 16. Unknown events are kept as they are. The error is an *Error; no event is
// returned then.
func ParseSharedObject(t Type, body []byte) (SharedObject, error) {
	bad := func(detail string, value any) (SharedObject, error) {
		return SharedObject{}, &Error{Type: t, Detail: detail, Value: value}
	}
	if t == TypeSharedObjectAMF3 {
		if len(body) == 0 || body[0] != 0 {
			return bad("no format selector 0", nil)
		}
		body = body[1:]
	}
	name, body, ok := cutKey(body)
	if !ok || len(body) < 12 {
		return bad("header cut off, bytes", len(body))
	}
	o := SharedObject{Name: string(name), Version: binary.BigEndian.Uint32(body),
		Persistent: binary.BigEndian.Uint32(body[4:])&persistentFlag != 0}
	for body = body[12:]; len(body) > 0; {
		if len(body) < 5 {
			return bad("event cut off, bytes", len(body))
		}
		size := binary.BigEndian.Uint32(body[1:])
		if uint64(size) > uint64(len(body)-5) {
			return bad("event longer than the message, bytes", size)
		}
		if len(o.Events) == maxSharedEvents {
			return bad("too many events", maxSharedEvents)
		}
		end := 5 + int(size)
		o.Events = append(o.Events, SharedEvent{Type: SharedEventType(body[0]), Data: body[5:end:end]})
		body = body[end:]
	}
	return o, nil
}

// AppendSharedObject appends the body of a message of type 19 or 16. A name longer than 65,535 bytes is an *Error; dst is then returned
// unchanged.
func AppendSharedObject(dst []byte, t Type, o *SharedObject) ([]byte, error) {
	if len(o.Name) > 0xFFFF {
		return dst, &Error{Type: t, Detail: "name too long, bytes", Value: len(o.Name)}
	}
	if t == TypeSharedObjectAMF3 {
		dst = append(dst, 0)
	}
	dst = AppendSharedName(dst, o.Name)
	flags := uint32(0)
	if o.Persistent {
		flags = persistentFlag
	}
	dst = binary.BigEndian.AppendUint32(dst, o.Version)
	dst = binary.BigEndian.AppendUint32(dst, flags)
	dst = binary.BigEndian.AppendUint32(dst, 0)
	for _, e := range o.Events {
		dst = append(dst, byte(e.Type))
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(e.Data)))
		dst = append(dst, e.Data...)
	}
	return dst, nil
}

// Properties decodes the data of an event that contains names and values. The error is an *Error; the properties before it are returned too.
func (e SharedEvent) Properties() ([]amf.Property, error) { return collect(e.EachProperty()) }

// EachProperty is like Properties but yields one property at a time, since decoded properties may take much more memory than
// the data. An error ends the iteration.
func (e SharedEvent) EachProperty() iter.Seq2[amf.Property, error] {
	return func(yield func(amf.Property, error) bool) {
		for b := e.Data; len(b) > 0; {
			name, rest, ok := cutKey(b)
			if !ok {
				yield(amf.Property{}, e.bad("property name cut off", nil))
				return
			}
			d := amf.NewDecoder(rest)
			value, err := d.Decode()
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			if err != nil {
				yield(amf.Property{}, e.bad("invalid AMF in property "+fmt.Sprintf("%.40q", name), err))
				return
			}
			if !yield(amf.Property{Name: string(name), Value: value}, nil) {
				return
			}
			b = rest[d.Offset():]
		}
	}
}

// Names decodes the data of an event that contains names. The error is an *Error; the names before it are returned too.
func (e SharedEvent) Names() ([]string, error) { return collect(e.EachName()) }

// EachName is like Names but yields one name at a time. An error ends the iteration.
func (e SharedEvent) EachName() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for b := e.Data; len(b) > 0; {
			name, rest, ok := cutKey(b)
			if !ok {
				yield("", e.bad("name cut off", nil))
				return
			}
			if !yield(string(name), nil) {
				return
			}
			b = rest
		}
	}
}

func collect[T any](each iter.Seq2[T, error]) (all []T, err error) {
	for v, err := range each {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

// Message decodes the data of a SharedSendMessage. The error is an *Error.
func (e SharedEvent) Message() (name string, args []any, err error) {
	values, err := amf.DecodeAMF0(e.Data)
	if err != nil {
		return "", nil, e.bad("invalid AMF", err)
	}
	if len(values) > 0 {
		if name, ok := values[0].(string); ok {
			return name, values[1:], nil
		}
	}
	return "", nil, e.bad("message without a name", nil)
}

// Status decodes the data of a SharedStatus, which has no description. The error is an *Error.
func (e SharedEvent) Status() (*StatusError, error) {
	var names []string
	for name, err := range e.EachName() {
		if err != nil {
			return nil, err
		}
		if names = append(names, name); len(names) == 2 { // a hostile peer could send millions
			break
		}
	}
	names = append(names, "", "")
	return &StatusError{Code: names[0], Level: names[1]}, nil
}

func (e SharedEvent) bad(detail string, cause error) error {
	return &Error{Type: TypeSharedObjectAMF0, Detail: fmt.Sprintf("event %d: %s", e.Type, detail), Err: cause}
}

// AppendSharedProperty appends a name and a value to the data of an event. If the name is longer than 65,535 bytes, or the value can't be
// encoded, dst is returned unchanged, with an *Error or an *amf.EncodeError.
func AppendSharedProperty(dst []byte, name string, value any) ([]byte, error) {
	if len(name) > 0xFFFF {
		return dst, &Error{Type: TypeSharedObjectAMF0, Detail: "property name too long, bytes", Value: len(name)}
	}
	out, err := amf.AppendAMF0(AppendSharedName(dst, name), value)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// AppendSharedName appends a name to the data of an event. A name longer than 65,535 bytes is truncated.
func AppendSharedName(dst []byte, name string) []byte { return amf.AppendKey(dst, name) }

// cutKey removes a length and a name from the front of b.
func cutKey(b []byte) (name, rest []byte, ok bool) {
	if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
		return nil, b, false
	}
	end := 2 + int(binary.BigEndian.Uint16(b))
	return b[2:end], b[end:], true
}
