package main

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/go-librtmp/rtmp/bench/media"
)

type chunkStream struct {
	ts, delta uint32
	length    int
	typ       byte
	msid      uint32
	ext       bool
	got       int
	body      []byte // nil for audio and video
}

type conn struct {
	nc    net.Conn
	br    *bufio.Reader
	id    int64
	img   *image
	plan  media.Plan
	start time.Time

	cs       map[int]*chunkStream
	inChunk  int
	outChunk int
	in       uint64 // bytes read after the handshake
	acked    uint64
	win      uint64 // acknowledge after this many bytes

	streams float64
	answers []byte   // to echo, not yet sent
	playing []uint32 // message stream ids
	rep     report
}

func endOf(err error) string {
	switch {
	case err == nil, err == io.EOF:
		return "fin"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "fin in mid-chunk"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "rst"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "timeout"
	}
	return err.Error()
}

func (c *conn) serve() {
	defer c.nc.Close()
	c.br = bufio.NewReaderSize(c.nc, *rbuf)
	c.cs = map[int]*chunkStream{}
	c.inChunk, c.outChunk = 128, 128
	c.win = uint64(*winack)
	c.rep = report{Conn: c.id, Mode: "none"}
	err := c.handshake()
	if err == nil {
		err = c.loop()
	}
	if c.rep.Mode == "play" { // already reported
		return
	}
	c.rep.Complete = err == io.EOF
	c.rep.End = endOf(err)
	if err != io.EOF {
		c.rep.Err = fmt.Sprint(err)
	}
	c.rep.InChunk = c.inChunk
	c.rep.Wire = int64(c.in)
	c.rep.Secs = time.Since(c.start).Seconds()
	emit(c.rep)
}

// handshake is the plain one: a zero version in S1, S2 echoing C1.
func (c *conn) handshake() error {
	c01 := make([]byte, 1537)
	if _, err := io.ReadFull(c.br, c01); err != nil {
		return err
	}
	if c01[0] != 3 {
		return fmt.Errorf("handshake: version %d", c01[0])
	}
	s := make([]byte, 1+1536+1536)
	s[0] = 3
	rand.Read(s[9:1537])
	copy(s[1537:], c01[1:])
	if _, err := c.nc.Write(s); err != nil {
		return err
	}
	_, err := c.br.Discard(1536)
	return err
}

var errFormat = errors.New("bad chunk")

// readMessage reads chunks until a message is complete.  Audio and video
// bodies are dropped as they come.
func (c *conn) readMessage() (*chunkStream, error) {
	for {
		b0, err := c.br.ReadByte()
		if err != nil {
			return nil, err
		}
		n := 1
		csid := int(b0 & 63)
		if csid < 2 {
			h, err := c.br.Peek(1 + csid)
			if err != nil {
				return nil, err
			}
			if csid == 0 {
				csid = 64 + int(h[0])
			} else {
				csid = 64 + int(h[0]) + int(h[1])<<8
			}
			c.br.Discard(len(h))
			n += len(h)
		}
		st := c.cs[csid]
		if st == nil {
			st = &chunkStream{}
			c.cs[csid] = st
		}
		fm := b0 >> 6
		hl := [4]int{11, 7, 3, 0}[fm]
		h, err := c.br.Peek(hl)
		if err != nil {
			return nil, err
		}
		var t uint32
		if fm < 3 {
			if st.got != 0 {
				return nil, fmt.Errorf("%w: type %d inside a message of csid %d (%d of %d)", errFormat, fm, csid, st.got, st.length)
			}
			t = uint32(h[0])<<16 | uint32(h[1])<<8 | uint32(h[2])
			st.ext = t == 0xffffff
		}
		if fm < 2 {
			st.length = int(h[3])<<16 | int(h[4])<<8 | int(h[5])
			st.typ = h[6]
		}
		if fm == 0 {
			st.msid = binary.LittleEndian.Uint32(h[7:])
		}
		c.br.Discard(hl)
		n += hl
		if st.ext {
			e, err := c.br.Peek(4)
			if err != nil {
				return nil, err
			}
			t = binary.BigEndian.Uint32(e)
			c.br.Discard(4)
			n += 4
		}
		if st.got == 0 {
			switch fm {
			case 0:
				st.ts, st.delta = t, 0
			case 1, 2:
				st.delta = t
				st.ts += t
			case 3:
				st.ts += st.delta
			}
			st.body = st.body[:0]
		}
		k := min(st.length-st.got, c.inChunk)
		if st.typ == 8 || st.typ == 9 {
			_, err = c.br.Discard(k)
		} else {
			at := len(st.body)
			st.body = append(st.body, make([]byte, k)...)
			_, err = io.ReadFull(c.br, st.body[at:])
		}
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		st.got += k
		c.in += uint64(n + k)
		if st.got == st.length {
			st.got = 0
			return st, nil
		}
	}
}

func (c *conn) loop() error {
	for {
		if err := c.answer(); err != nil {
			return err
		}
		m, err := c.readMessage()
		if err != nil {
			return err
		}
		switch m.typ {
		case 8, 9:
			if m.typ == 9 {
				c.rep.Video++
			} else {
				c.rep.Audio++
			}
			c.rep.Payload += int64(m.length)
			c.rep.FLVTags += int64(m.length) + 15
			if c.in-c.acked >= c.win {
				c.acked = c.in
				if err := c.send(2, 3, 0, binary.BigEndian.AppendUint32(nil, uint32(c.in))); err != nil {
					return err
				}
				c.rep.Acks++
			}
		case 1:
			if len(m.body) < 4 {
				return errFormat
			}
			n := int(binary.BigEndian.Uint32(m.body) & 0x7fffffff)
			if n < 1 {
				return errFormat
			}
			c.inChunk = n
		case 3:
			c.rep.Acks++
			if len(m.body) >= 4 {
				c.rep.LastAck = binary.BigEndian.Uint32(m.body)
			}
		case 5:
			if len(m.body) >= 4 {
				if w := binary.BigEndian.Uint32(m.body); w > 0 {
					c.win = uint64(w)
				}
			}
		case 17:
			if len(m.body) > 0 {
				err = c.command(m, m.body[1:])
			}
		case 20:
			err = c.command(m, m.body)
		}
		if err != nil {
			return err
		}
	}
}

func (c *conn) send(csid int, typ byte, msid uint32, body []byte) error {
	_, err := c.nc.Write(message(csid, 0, typ, msid, body, c.outChunk))
	return err
}

// answer sends the answers to all calls that have been read: calls that arrive together are answered together.
func (c *conn) answer() error {
	if len(c.answers) == 0 || c.br.Buffered() > 0 {
		return nil
	}
	_, err := c.nc.Write(c.answers)
	c.answers = c.answers[:0]
	return err
}

// numberAfter returns the number after a word in a name, and 0 if there is none.
func numberAfter(name, word string) (n int64) {
	_, digits, _ := strings.Cut(name, word)
	fmt.Sscanf(digits, "%d", &n)
	return n
}

var errDone = errors.New("done")

func (c *conn) command(m *chunkStream, b []byte) error {
	name, b, ok := takeStr(b)
	if !ok {
		return errors.New("command without a name")
	}
	txn, b, ok := takeNum(b)
	if !ok {
		return errors.New("command without a transaction id")
	}
	args, ok := skip(b) // past the command object
	if !ok {
		args = nil
	}
	if *verbose {
		log.Printf("conn %d: %s txn=%v msid=%d", c.id, name, txn, m.msid)
	}
	if name != "echo" && len(c.rep.Commands) < 200 {
		c.rep.Commands = strings.TrimSpace(c.rep.Commands + " " + name)
	}
	result := func(rest []byte) error {
		r := aNum(aStr(nil, "_result"), txn)
		return c.send(3, 20, 0, append(r, rest...))
	}
	switch name {
	case "connect":
		var w []byte
		be := func(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }
		w = append(w, message(2, 0, 5, 0, be(uint32(*winack)), c.outChunk)...)
		w = append(w, message(2, 0, 6, 0, append(be(uint32(*winack)), 2), c.outChunk)...)
		w = append(w, message(2, 0, 1, 0, be(uint32(*chunk)), c.outChunk)...)
		c.outChunk = *chunk
		r := aNum(aStr(nil, "_result"), txn)
		r = aObj(r, kv{"fmsVer", "FMS/3,5,7,7009"}, kv{"capabilities", 31.0}, kv{"mode", 1.0})
		r = aObj(r, kv{"level", "status"}, kv{"code", "NetConnection.Connect.Success"},
			kv{"description", "Connection succeeded."}, kv{"objectEncoding", 0.0})
		w = append(w, message(3, 0, 20, 0, r, c.outChunk)...)
		_, err := c.nc.Write(w)
		return err
	case "createStream":
		c.streams++
		return result(aNum(aNull(nil), c.streams))
	case "releaseStream", "_checkbw", "checkBandwidth":
		if txn == 0 {
			return nil
		}
		return result(append(aNull(nil), 6))
	case "getStreamLength":
		return result(aNum(aNull(nil), float64(c.plan.DurMs)/1000))
	case "FCPublish", "FCUnpublish":
		r := aNull(aNum(aStr(nil, "on"+name), 0))
		r = aObj(r, kv{"code", "NetStream.Publish.Start"}, kv{"description", ""})
		return c.send(3, 20, 0, r)
	case "FCSubscribe":
		r := aNull(aNum(aStr(nil, "onFCSubscribe"), 0))
		r = aObj(r, kv{"level", "status"}, kv{"code", "NetStream.Play.Start"}, kv{"description", ""})
		return c.send(3, 20, 0, r)
	case "echo":
		r := append(aNull(aNum(aStr(nil, "_result"), txn)), args...)
		c.answers = append(c.answers, message(3, 0, 20, 0, r, c.outChunk)...)
		return nil
	case "play":
		s, _, _ := takeStr(args)
		return c.play(m.msid, s)
	case "publish":
		s, _, _ := takeStr(args)
		c.rep.Mode, c.rep.Name = "publish", s
		c.start = time.Now()
		return c.send(5, 20, m.msid, status("NetStream.Publish.Start", "Start publishing."))
	case "deleteStream", "closeStream", "pause", "seek", "receiveAudio", "receiveVideo", "_result", "_error", "onStatus":
		return nil
	}
	if txn == 0 {
		return nil
	}
	r := aNull(aNum(aStr(nil, "_error"), txn))
	r = aObj(r, kv{"level", "error"}, kv{"code", "NetConnection.Call.Failed"}, kv{"description", "no such method: " + name})
	return c.send(3, 20, 0, r)
}

func status(code, desc string) []byte {
	return aObj(aNull(aNum(aStr(nil, "onStatus"), 0)), kv{"level", "status"}, kv{"code", code}, kv{"description", desc})
}

func (c *conn) play(msid uint32, name string) error {
	// "msid0" in the name: media goes on message stream 0, the only one on
	// which go-rtmp's client can hear anything.
	if strings.Contains(name, "msid0") {
		msid = 0
	}
	// "-b<digits>" in the name sets the number of payload bytes, instead of the flag -bytes.
	if n := numberAfter(name, "-b"); n > 0 {
		c.plan = c.img.run.Plan(n)
	}
	// "-of<digits>" sets the number of streams of this connection that share the media. The media begins when the client has asked for all
	// of them.
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
	c.nc.(*net.TCPConn).CloseWrite()
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
