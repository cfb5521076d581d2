package main

import (
	"bufio"
	"os"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/event"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

type flvOut struct {
	file  *os.File
	w     *bufio.Writer
	tags  *flv.Writer // writes to w
	begun bool
	sent  bool // write the client's media; otherwise the server's
	err   error
}

func newFLVOut(path string) (*flvOut, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	o := &flvOut{file: file, w: bufio.NewWriter(file)}
	o.tags = flv.NewWriter(o.w)
	o.err = o.tags.WriteHeader(flv.FileHeader{HasAudio: true, HasVideo: true})
	return o, nil
}

// Add implements event.Sink.
func (o *flvOut) Add(e *event.Event) {
	if e.Kind != event.Message {
		return
	}
	p := e.Packet
	switch p.Type {
	case message.TypeAudio, message.TypeVideo:
		if !o.begun {
			o.begun, o.sent = true, e.Sent
		}
	case message.TypeDataAMF0, message.TypeAggregate:
	default:
		return
	}
	if o.begun && e.Sent != o.sent {
		return
	}
	if p.Type != message.TypeAggregate {
		o.tag(p.Type, p.Timestamp, p.Body)
		return
	}
	for sub, err := range message.Aggregate(p.Timestamp, p.Body) {
		if err == nil {
			o.tag(sub.Type, sub.Timestamp, sub.Body)
		}
	}
}

// tag writes a tag. It removes @setDataFrame from a publisher's metadata.
func (o *flvOut) tag(t message.Type, timestamp uint32, body []byte) {
	if t == message.TypeDataAMF0 {
		name, values, err := flv.ParseScript(body)
		if err == nil {
			body, err = flv.AppendScript(nil, name, values...)
		}
		if err != nil || name != "onMetaData" && !o.begun {
			return
		}
	}
	if o.err == nil {
		o.err = o.tags.WriteTag(flv.Tag{Type: flv.TagType(t), Timestamp: timestamp, Body: body})
	}
}

func (o *flvOut) close() error {
	if o.err == nil {
		o.err = o.w.Flush()
	}
	if err := o.file.Close(); o.err == nil {
		o.err = err
	}
	return o.err
}
