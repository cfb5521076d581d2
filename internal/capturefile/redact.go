package capturefile

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/go-librtmp/rtmp/internal/secret"
	"github.com/go-librtmp/rtmp/message"
)

const maxLabels = 64

// redactor replaces the secrets in the messages of a session. Everything counts as a secret unless it is known to be harmless: of a command's
// strings, redactor keeps only those at positions that a rule allows.
type redactor struct {
	secrets  secrets
	blind    bool           // a part of the client's bytes is missing
	media    bool           // record media unchanged
	replaced map[string]int // number of values that were replaced, by label
	kept     map[string]int // number of values that were kept, except for known secrets in them, by label
}

func newRedactor(known []string) *redactor {
	r := &redactor{replaced: make(map[string]int), kept: make(map[string]int)}
	for _, s := range known {
		r.secrets.learn(s)
	}
	return r
}

func holds(t message.Type) bool {
	switch t {
	case message.TypeSetChunkSize, message.TypeAbort, message.TypeAcknowledgement, message.TypeWindowAckSize, message.TypeSetPeerBandwidth,
		message.TypeAudio, message.TypeVideo, message.TypeAggregate:
		return false
	}
	return true
}

func isMedia(t message.Type) bool {
	return t == message.TypeAudio || t == message.TypeVideo || t == message.TypeAggregate
}

func (r *redactor) message(from Direction, m *Message) {
	switch t := message.Type(m.Type); t {
	case message.TypeCommandAMF0, message.TypeCommandAMF3:
		r.command(from, message.WithoutSelector(t, m.Body))
	case message.TypeDataAMF0, message.TypeDataAMF3:
		r.data(message.WithoutSelector(t, m.Body))
	case message.TypeSharedObjectAMF0:
		r.sharedObject(m.Body)
	case message.TypeSharedObjectAMF3:
		r.sharedObject(m.Body[min(1, len(m.Body)):])
	case message.TypeUserControl:
		r.userControl(m.Body)
	default:
		r.count(r.kept, t.String()+" messages")
	}
}

// userControl replaces the digests in the answer to SWF verification, which are computed from the player's hash.
func (r *redactor) userControl(body []byte) {
	const digestAt = 10
	if len(body) > digestAt && message.Event(binary.BigEndian.Uint16(body)) == message.EventSWFVerifyResponse {
		clear(body[digestAt:])
		r.count(r.replaced, "SWF verification digest")
	}
}

func (r *redactor) command(from Direction, body []byte) {
	var name string
	v := values{b: body, name: r.name, data: func(place) {}}
	v.text = func(at place, text []byte) {
		if at.arg == 0 && at.key == "" {
			name = string(text)
			return
		}
		what := classify(from, name, at)
		r.apply(what, text, func() string { return labelOf(what, name, at) })
	}
	v.data = func(at place) {
		if at.arg > 2 && hasPrivateNumbers(name) {
			r.count(r.kept, "number in "+quoted(name))
		}
	}
	r.walk(&v, "command")
}

func (r *redactor) data(body []byte) {
	var name string
	v := values{b: body, name: r.name, data: func(place) {}}
	v.text = func(at place, text []byte) {
		if at.arg == 0 && at.key == "" {
			name = string(text)
			return
		}
		r.apply(classText, text, func() string { return "data message " + quoted(name) })
	}
	r.walk(&v, "data message")
}

// walk passes all values to v's functions. If a value is invalid, it replaces the rest by zeros.
func (r *redactor) walk(v *values, what string) {
	if !v.all() {
		clear(v.b[min(v.off, len(v.b)):])
		r.count(r.replaced, "end of a "+what+" that can't be parsed")
	}
}

// sharedObject replaces the strings in the properties and messages of a shared object. message.SharedObject describes the layout.
func (r *redactor) sharedObject(body []byte) {
	v := values{b: body, text: func(_ place, text []byte) {
		r.apply(classSecret, text, func() string { return "shared object" })
	}, name: r.name, data: func(place) { r.count(r.kept, "number in a shared object") }}
	if !r.events(&v) {
		clear(v.b[min(v.off, len(v.b)):])
		r.count(r.replaced, "end of a shared object that can't be parsed")
	}
}

func (r *redactor) events(v *values) bool {
	if _, ok := v.sized(2); !ok || !v.skip(12) {
		return false
	}
	for v.off < len(v.b) {
		head := v.take(5)
		if head == nil {
			return false
		}
		data := v.take(int(min(binary.BigEndian.Uint32(head[1:]), 1<<24)))
		if data == nil {
			return false
		}
		in := values{b: data, text: v.text, name: v.name, data: v.data}
		switch message.SharedEventType(head[0]) {
		case message.SharedSendMessage:
			name := v.text
			in.text = func(at place, text []byte) {
				if at.arg > 0 {
					name(at, text)
				}
			}
			if !in.all() {
				clear(data[in.off:])
			}
		case message.SharedRequestChange, message.SharedChange, message.SharedUseSuccess:
			for in.off < len(data) {
				name, ok := in.sized(2)
				if r.name(name); !ok || !in.value0(place{}) {
					clear(data[min(in.off, len(data)):])
					break
				}
			}
		case message.SharedSuccess, message.SharedRemove, message.SharedRequestRemove, message.SharedStatus: // names
			r.name(data)
		default: // events that have no data, and unknown ones
			if len(data) > 0 {
				clear(data)
				r.count(r.replaced, "shared object event of unknown meaning")
			}
		}
	}
	return true
}

// name replaces secrets in the name of a property, except short ones, which may occur by coincidence.
func (r *redactor) name(b []byte) {
	r.secrets.replaceKnown(&subject{b: b}, minName)
}

// apply replaces a string, or parts of it, according to its class.
func (r *redactor) apply(what class, text []byte, label func() string) {
	if len(text) == 0 {
		return
	}
	if (r.blind || r.secrets.full) && (what == classText || what == className) {
		what = classSecret
	}
	t := subject{b: text}
	switch what {
	case classPlain:
		return
	case classSecret:
		r.secrets.replace(&t, span{0, len(text)})
	case classKey:
		r.secrets.replaceName(&t, true)
	case className:
		r.count(r.kept, "name of a stream that is played")
		r.secrets.replaceName(&t, false)
		r.secrets.replaceKnown(&t, secret.MinLength)
	case classText:
		r.count(r.kept, label())
		r.secrets.replaceURLs(&t)
		r.secrets.replaceKnown(&t, secret.MinLength)
	}
	if t.covered != nil {
		r.count(r.replaced, label())
	}
}

func (r *redactor) overflow() {
	r.count(r.replaced, "message that is too long to be examined")
}

func (r *redactor) count(counts map[string]int, label string) {
	if _, there := counts[label]; !there && len(counts) >= maxLabels {
		label = "others"
	}
	counts[label]++
}

// addCounts adds the counts to the End record.
func (r *redactor) addCounts(end *End) {
	end.Replaced = listed(r.replaced)
	end.Kept = listed(r.kept)
	if r.media {
		end.Kept = append(end.Kept, "audio and video")
	}
}

func listed(counts map[string]int) (list []string) {
	for label, n := range counts {
		list = append(list, fmt.Sprintf("%s: %d", label, n))
	}
	slices.Sort(list)
	return list
}

func quoted(name string) string {
	name = oneLine(strings.ToValidUTF8(name, "?"))
	if len(name) > 40 {
		name = strings.ToValidUTF8(name[:40], "") + "..."
	}
	return name
}
