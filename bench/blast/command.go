package main

import (
	"encoding/binary"
	"errors"
	"log"
	"strings"
	"time"
)

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
