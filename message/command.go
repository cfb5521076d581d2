package message

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/go-librtmp/rtmp/amf"
)

// Command is a command message (section 7.2): a call, its answer, or a notification.
type Command struct {
	Name          string
	TransactionID float64 // 0 if no answer is expected
	Object        any     // the command object: amf.Object or nil
	Args          []any
}

// usualCommand is enough for most commands, in bytes.
const usualCommand = 128

// AppendCommand appends the body of a command message of the given type. A body of type 17 begins with a format selector byte
// and still holds AMF0 values (RTMP Errata and Addenda of 2024, section 7.2). If an argument can't be encoded, dst is returned
// unchanged, with an *amf.EncodeError.
func AppendCommand(dst []byte, t Type, c *Command) ([]byte, error) {
	start := len(dst)
	if dst == nil {
		dst = make([]byte, 0, usualCommand)
	}
	if t == TypeCommandAMF3 {
		dst = append(dst, 0)
	}
	dst = amf.AppendString(dst, c.Name)
	dst = amf.AppendNumber(dst, c.TransactionID)
	out, err := amf.AppendAMF0(dst, c.Object)
	if err == nil {
		out, err = amf.AppendAMF0(out, c.Args...)
	}
	if err != nil {
		return dst[:start], err
	}
	return out, nil
}

// ParseCommand reads a command body of type 20 or 17. If it returns an error, which is an *Error, the Command holds what could be read, so
// that the peer's mistake can be answered. Without a command name everything is empty. A transaction id that is missing or not a number is
// 0. Object and Args hold the values before the damage.
func ParseCommand(t Type, body []byte) (c Command, err error) {
	body = WithoutSelector(t, body)
	if c, rest, ok := parseHead(body); ok {
		values, err := amf.DecodeAMF0(rest)
		if len(values) > 0 {
			c.Object, c.Args = values[0], values[1:]
		}
		if bad, ok := err.(*amf.DecodeError); ok {
			bad.Offset += len(body) - len(rest)
			err = &Error{Type: t, Detail: "invalid AMF", Err: bad}
		}
		return c, err
	}
	values, err := amf.DecodeAMF0(body)
	if err != nil {
		err = &Error{Type: t, Detail: "invalid AMF", Err: err}
	}
	if len(values) > 0 {
		name, ok := values[0].(string)
		if !ok {
			return c, &Error{Type: t, Detail: "command name is not a string", Value: fmt.Sprintf("%T", values[0]), Err: err}
		}
		c.Name = name
	}
	if len(values) > 2 {
		c.Object = values[2]
		c.Args = values[3:]
	}
	if len(values) > 1 {
		id, ok := values[1].(float64)
		if !ok {
			return c, &Error{Type: t, Detail: "transaction id is not a number", Value: fmt.Sprintf("%T", values[1]), Err: err}
		}
		c.TransactionID = id
	}
	if len(values) < 2 && err == nil {
		err = &Error{Type: t, Detail: "too few values in a command", Value: len(values)}
	}
	return c, err
}

// parseHead reads a command's name and transaction id in their usual form, which costs less than decoding them as values:
//
//	+----+------------+------+----+--------+ - - -
//	| 02 | length (2) | name | 00 | id (8) | rest
//	+----+------------+------+----+--------+ - - -
func parseHead(body []byte) (c Command, rest []byte, ok bool) {
	const before, number = 3, 9
	if len(body) < before || body[0] != 2 {
		return c, nil, false
	}
	end := before + int(binary.BigEndian.Uint16(body[1:]))
	if len(body) < end+number || body[end] != 0 {
		return c, nil, false
	}
	c.Name = commandName(body[before:end])
	c.TransactionID = math.Float64frombits(binary.BigEndian.Uint64(body[end+1:]))
	return c, body[end+number:], true
}

// commandName returns b as a string, without allocating the usual names.
func commandName(b []byte) string {
	switch string(b) {
	case "_result":
		return "_result"
	case "_error":
		return "_error"
	case "onStatus":
		return "onStatus"
	}
	return string(b)
}

// WithoutSelector returns the AMF0 values in the body of a command or data message. In types 17 and 15 they come after a format selector, a
// zero byte, which some senders omit. The result is part of body.
func WithoutSelector(t Type, body []byte) []byte {
	if (t == TypeCommandAMF3 || t == TypeDataAMF3) && len(body) > 0 && body[0] == 0 {
		return body[1:]
	}
	return body
}

// Data is a data message (section 7.1.2): a name, such as onMetaData, and values.
type Data struct {
	Name string
	Args []any
}

// ParseData reads a data body of type 18 or 15. If it returns an error, which is an *Error, d holds the values that could be decoded. An empty
// body has no name, which is not an error.
func ParseData(t Type, body []byte) (d Data, err error) {
	values, err := amf.DecodeAMF0(WithoutSelector(t, body))
	if err != nil {
		err = &Error{Type: t, Detail: "invalid AMF", Err: err}
	}
	if len(values) == 0 {
		return d, err
	}
	name, ok := values[0].(string)
	if !ok {
		return d, &Error{Type: t, Detail: "name is not a string", Value: fmt.Sprintf("%T", values[0]), Err: err}
	}
	return Data{Name: name, Args: values[1:]}, err
}

// AppendData appends the body of a data message of the given type. If an argument can't be encoded, dst is returned unchanged, with an
// *amf.EncodeError.
func AppendData(dst []byte, t Type, name string, args ...any) ([]byte, error) {
	start := len(dst)
	if t == TypeDataAMF3 {
		dst = append(dst, 0)
	}
	out, err := amf.AppendAMF0(amf.AppendString(dst, name), args...)
	if err != nil {
		return dst[:start], err
	}
	return out, nil
}

// ParseStatus finds the information object of an onStatus, _error or onPlayStatus (section 7.2.2) among the values after the
// command object: the first object or ECMA array with a code, or else the first with a description. A plain string, which some
// servers send instead, becomes the Description.
func ParseStatus(args []any) *StatusError {
	found := new(StatusError)
	for _, arg := range args {
		o := amf.Members(arg)
		if o == nil {
			if text, ok := arg.(string); ok && found.Info == nil {
				found = &StatusError{Description: text, Info: arg}
			}
			continue
		}
		s := &StatusError{Code: text(o, "code"), Level: text(o, "level"), Description: text(o, "description"), Info: arg}
		if s.Code != "" {
			return s
		}
		if found.Info == nil || found.Description == "" {
			found = s
		}
	}
	return found
}

func text(o amf.Object, name string) string {
	v, _ := o.Get(name)
	text, _ := v.(string)
	return text
}

// StatusObject returns an information object as servers send it.
func StatusObject(level, code, description string) amf.Object {
	return amf.Object{{Name: "level", Value: level}, {Name: "code", Value: code}, {Name: "description", Value: description}}
}
