package main

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/bench/media"
)

func (c *conn) play(msid uint32, name string) error {
	// With "msid0" in the name, media is sent on message stream 0, the only one on which go-rtmp's client can receive anything.
	if strings.Contains(name, "msid0") {
		msid = 0
	}
	// With "-b<digits>" in the name, that many payload bytes are sent instead of -bytes.
	if n := numberAfter(name, "-b"); n > 0 {
		c.plan = c.img.run.Plan(n)
	}
	// With "-of<digits>" in the name, that many streams of this connection share the media, which begins once all of them have been
	// requested.
	streams := int(max(1, numberAfter(name, "-of")))
	c.playing = append(c.playing, msid)
	ctl := func(ev uint16, arg uint32) []byte {
		b := binary.BigEndian.AppendUint16(nil, ev)
		return message(2, 0, 4, 0, binary.BigEndian.AppendUint32(b, arg), c.outChunk)
	}
	msg := func(csid int, typ byte, body []byte) []byte { return message(csid, 0, typ, msid, body, c.outChunk) }
	dur := float64(c.plan.DurMs) / 1000
	if *pace > 0 {
		dur = *secs
	}
	var w []byte
	w = append(w, ctl(0, msid)...) // StreamBegin
	w = append(w, msg(5, 20, status("NetStream.Play.Reset", "Playing and resetting "+name+"."))...)
	w = append(w, msg(5, 20, status("NetStream.Play.Start", "Started playing "+name+"."))...)
	if strings.Contains(name, "idle") {
		c.rep.Mode = "idle"
		_, err := c.nc.Write(w)
		return err
	}
	w = append(w, msg(5, 18, aBool(aBool(aStr(nil, "|RtmpSampleAccess"), true), true))...)
	w = append(w, msg(5, 18, media.MetaData(dur))...)
	w = append(w, msg(csidOf(true, len(c.playing)-1), 9, media.AVCHeader())...)
	w = append(w, msg(csidOf(false, len(c.playing)-1), 8, media.AACHeader())...)
	if len(c.playing) < streams {
		_, err := c.nc.Write(w)
		return err
	}
	if streams > 1 {
		c.img = buildImage(c.img.run, *chunk, streams)
	}
	t0 := time.Now()
	c.rep.Mode, c.rep.Name = "play", name

	// the client's acknowledgements are read and counted while media is sent
	done := make(chan error, 1)
	go func() { done <- c.drain() }()

	n, err := c.nc.Write(w)
	sent := int64(n)
	if err == nil {
		if *pace > 0 {
			rep := report{Video: 1, Audio: 1, Payload: int64(len(media.AVCHeader()) + len(media.AACHeader()))}
			rep.FLVTags = rep.Payload + 30
			err = c.img.sendPaced(c.nc, c.id, *pace, *secs, &rep)
			c.rep.Video, c.rep.Audio, c.rep.Payload, c.rep.FLVTags = rep.Video, rep.Audio, rep.Payload, rep.FLVTags
			c.rep.LagMs = rep.LagMs
			sent += rep.Wire
		} else {
			var k int64
			k, err = c.img.sendAll(c.nc, c.plan)
			sent += k
			more := int64(streams - 1) // sequence headers
			c.rep.Video, c.rep.Audio = c.plan.Videos+1+more, c.plan.Audios+1+more
			headers := int64(len(media.AVCHeader()) + len(media.AACHeader()))
			c.rep.Payload, c.rep.FLVTags = c.plan.PayloadWithSeqs+more*headers, c.plan.FLVTagBytes+more*(headers+30)
		}
	}
	if err == nil {
		pd := aStr(nil, "onPlayStatus")
		pd = aObj(pd, kv{"level", "status"}, kv{"code", "NetStream.Play.Complete"},
			kv{"duration", dur}, kv{"bytes", float64(c.rep.Payload)})
		var e []byte
		for _, msid = range c.playing {
			e = append(e, msg(5, 18, pd)...)
			e = append(e, msg(5, 20, status("NetStream.Play.Complete", "Completed playing."))...)
			e = append(e, msg(5, 20, status("NetStream.Play.Stop", "Stopped playing."))...)
			e = append(e, ctl(1, msid)...) // StreamEOF
		}
		n, err = c.nc.Write(e)
		sent += int64(n)
	}
	c.rep.Complete = err == nil
	if err != nil {
		c.rep.Err = err.Error()
	}
	finish(c.nc)
	c.nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	err = <-done
	c.rep.End = endOf(err)
	c.rep.Wire = sent
	c.rep.Secs = time.Since(t0).Seconds()
	emit(c.rep)
	return errDone
}

// drain reads what a player sends (acknowledgements, buffer lengths, ...).
func (c *conn) drain() error {
	for {
		m, err := c.readMessage()
		if err != nil {
			return err
		}
		switch m.typ {
		case 1:
			if len(m.body) >= 4 {
				c.inChunk = int(binary.BigEndian.Uint32(m.body) & 0x7fffffff)
			}
		case 3:
			c.rep.Acks++
			if len(m.body) >= 4 {
				c.rep.LastAck = binary.BigEndian.Uint32(m.body)
			}
		}
	}
}
