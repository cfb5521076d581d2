package message

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
)

// sharedAnswer is a server's answer to a Use event, written by hand from the layout in the comment of SharedObject.
var sharedAnswer = []byte("\x00\x05users\x00\x00\x00\x07\x00\x00\x00\x02\x00\x00\x00\x00" +
	"\x0b\x00\x00\x00\x00" + // UseSuccess
	"\x08\x00\x00\x00\x00" + // Clear
	"\x04\x00\x00\x00\x08\x00\x01a\x02\x00\x02hi" + // Change a = "hi"
	"\x04\x00\x00\x00\x09\x00\x01b\x01\x01\x00\x01c\x05") // Change b = true, c = null

func TestSharedObject(t *testing.T) {
	for _, kind := range []Type{TypeSharedObjectAMF0, TypeSharedObjectAMF3} {
		body := sharedAnswer
		if kind == TypeSharedObjectAMF3 {
			body = append([]byte{0}, body...)
		}
		o, err := ParseSharedObject(kind, body)
		require.NoError(t, err)
		assert.Equal(t, "users", o.Name)
		assert.EqualValues(t, 7, o.Version)
		assert.True(t, o.Persistent)
		require.Len(t, o.Events, 4)
		assert.Equal(t, SharedUseSuccess, o.Events[0].Type)
		assert.Equal(t, SharedClear, o.Events[1].Type)
		first, err := o.Events[2].Properties()
		require.NoError(t, err)
		assert.Equal(t, []amf.Property{{Name: "a", Value: "hi"}}, first)
		second, err := o.Events[3].Properties()
		require.NoError(t, err)
		assert.Equal(t, []amf.Property{{Name: "b", Value: true}, {Name: "c", Value: nil}}, second)

		again, err := AppendSharedObject(nil, kind, &o)
		require.NoError(t, err)
		assert.Equal(t, body, again)
	}
}

func TestSharedObjectOfNoEvents(t *testing.T) {
	for _, o := range []SharedObject{{}, {Name: strings.Repeat("x", 0xFFFF), Events: []SharedEvent{{Type: SharedClear, Data: []byte{}}}}} {
		body, err := AppendSharedObject(nil, TypeSharedObjectAMF0, &o)
		require.NoError(t, err)
		again, err := ParseSharedObject(TypeSharedObjectAMF0, body)
		require.NoError(t, err)
		assert.Equal(t, o, again)
	}
	_, err := AppendSharedProperty(nil, strings.Repeat("x", 0xFFFF), nil)
	require.NoError(t, err, "the longest name")
}

func TestSharedEventsAreBounded(t *testing.T) {
	clear := []byte{byte(SharedClear), 0, 0, 0, 0}
	most := append(sharedAnswer[:19:19], bytes.Repeat(clear, maxSharedEvents)...)
	o, err := ParseSharedObject(TypeSharedObjectAMF0, most)
	require.NoError(t, err)
	require.Len(t, o.Events, maxSharedEvents)
	_, err = ParseSharedObject(TypeSharedObjectAMF0, append(most, clear...))
	require.ErrorContains(t, err, "too many events")
}

// TestSharedStatusReadsTwoNames checks that a status of millions of names does not fill the memory.
func TestSharedStatusReadsTwoNames(t *testing.T) {
	e := SharedEvent{Type: SharedStatus, Data: make([]byte, 1<<20)}
	assert.Less(t, testing.AllocsPerRun(1, func() { e.Status() }), 10.0)
}

func TestSharedEvents(t *testing.T) {
	names, err := SharedEvent{Type: SharedRemove, Data: []byte("\x00\x01a\x00\x00")}.Names()
	require.NoError(t, err)
	assert.Equal(t, []string{"a", ""}, names)
	status, err := SharedEvent{Type: SharedStatus, Data: []byte("\x00\x01c\x00\x05error")}.Status()
	require.NoError(t, err)
	assert.Equal(t, "c", status.Code)
	assert.Equal(t, "error", status.Level)
	data, err := amf.AppendAMF0(nil, "hello", 1.0)
	require.NoError(t, err)
	name, args, err := SharedEvent{Type: SharedSendMessage, Data: data}.Message()
	require.NoError(t, err)
	assert.Equal(t, "hello", name)
	assert.Equal(t, []any{1.0}, args)
	data, err = AppendSharedProperty(nil, "a", 2)
	require.NoError(t, err)
	assert.Equal(t, "\x00\x01a\x00\x40\x00\x00\x00\x00\x00\x00\x00", string(data))
}

func TestMalformedSharedObjects(t *testing.T) {
	for name, body := range map[string]string{
		"empty":            "",
		"name cut off":     "\x00\x05use",
		"header cut off":   "\x00\x01a\x00\x00\x00\x07\x00\x00\x00\x02\x00\x00\x00",
		"event cut off":    string(sharedAnswer[:len(sharedAnswer)-9]),
		"type only":        string(sharedAnswer[:19]) + "\x04",
		"4 GB of an event": string(sharedAnswer[:19]) + "\x04\xff\xff\xff\xff",
	} {
		_, err := ParseSharedObject(TypeSharedObjectAMF0, []byte(body))
		var bad *Error
		require.ErrorAs(t, err, &bad, name)
	}
	_, err := ParseSharedObject(TypeSharedObjectAMF3, sharedAnswer[1:])
	require.ErrorContains(t, err, "format selector")
	for _, data := range []string{"\x00", "\x00\x02a", "\x00\x01a", "\x00\x01a\x02\x00"} {
		_, err := SharedEvent{Type: SharedChange, Data: []byte(data)}.Properties()
		require.Error(t, err, "%q", data)
		require.NotErrorIs(t, err, io.EOF, "%q is incomplete, not at its end", data)
	}
	_, _, err = SharedEvent{Type: SharedSendMessage, Data: []byte{5}}.Message()
	require.Error(t, err)
	_, err = SharedEvent{Data: []byte{0}}.Names()
	require.Error(t, err)
	long := string(bytes.Repeat([]byte("x"), 70_000))
	_, err = AppendSharedObject(nil, TypeSharedObjectAMF0, &SharedObject{Name: long})
	require.Error(t, err)
	_, err = AppendSharedProperty(nil, long, nil)
	require.Error(t, err)
}
