package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"time"

	"github.com/go-librtmp/rtmp/bench/media"
)

const (
	csidAudio = 4
	csidVideo = 6
)

// image is one run of media as RTMP wire bytes.  Every message starts with a
// type-1 header (a timestamp DELTA), so the very same bytes can be sent again
// and again with increasing timestamps and no work per message.
type image struct {
	run  *media.Run
	wire []byte
	end  []int // end[i] = offset in wire just after message i
}

// buildImage distributes the messages of a run over the given number of streams, each of which has its own chunk streams.
func buildImage(r *media.Run, chunk, streams int) *image {
	im := &image{run: r}
	last := map[int]uint32{}
	for i := range r.Msgs { // the first delta of each round counts from the last message of the previous round
		last[csidOf(r.Msgs[i].Video, i%streams)] = r.Msgs[i].TS - r.DurMs
	}
	for i := range r.Msgs {
		m := &r.Msgs[i]
		csid := csidOf(m.Video, i%streams)
		d := m.TS - last[csid]
		last[csid] = m.TS
		im.wire = append(appendBasic(im.wire, 1, csid), byte(d>>16), byte(d>>8), byte(d),
			byte(len(m.Body)>>16), byte(len(m.Body)>>8), byte(len(m.Body)), m.TypeID())
		im.wire = appendBody(im.wire, csid, m.Body, chunk)
		im.end = append(im.end, len(im.wire))
	}
	return im
}

// csidOf is the chunk stream of a stream's sound or pictures.
func csidOf(video bool, stream int) int {
	csid := csidAudio + 4*stream
	if video {
		csid = csidVideo + 4*stream
	}
	return csid
}

func appendBasic(w []byte, format byte, csid int) []byte {
	if csid < 64 {
		return append(w, format<<6|byte(csid))
	}
	return append(w, format<<6|1, byte(csid-64), byte((csid-64)>>8))
}

func appendBody(w []byte, csid int, body []byte, chunk int) []byte {
	for first := true; first || len(body) > 0; first = false {
		n := min(len(body), chunk)
		if !first {
			w = appendBasic(w, 3, csid)
		}
		w = append(w, body[:n]...)
		body = body[n:]
	}
	return w
}

// message makes one type-0 message.
func message(csid int, ts uint32, typ byte, msid uint32, body []byte, chunk int) []byte {
	w := append(appendBasic(nil, 0, csid), byte(ts>>16), byte(ts>>8), byte(ts),
		byte(len(body)>>16), byte(len(body)>>8), byte(len(body)), typ)
	w = binary.LittleEndian.AppendUint32(w, msid)
	return appendBody(w, csid, body, chunk)
}

// sendAll writes the plan; the only work per run is one Write call.
func (im *image) sendAll(w io.Writer, p media.Plan) (int64, error) {
	var sent int64
	for k := 0; k < p.Full; k++ {
		n, err := w.Write(im.wire)
		sent += int64(n)
		if err != nil {
			return sent, err
		}
	}
	if p.Tail > 0 {
		n, err := w.Write(im.wire[:im.end[p.Tail-1]])
		sent += int64(n)
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// sendPaced sends secs seconds of media in real time, beginning with one of
// the run's key frames, and adds to rep what it sent.
func (im *image) sendPaced(w io.Writer, id int64, speed, secs float64, rep *report) error {
	var keys []int
	for i := range im.run.Msgs {
		if im.run.Msgs[i].Key {
			keys = append(keys, i)
		}
	}
	i := keys[int(id)%len(keys)]
	base := -int64(im.run.Msgs[i].TS) // ms of media time at the start of this round
	t0 := time.Now()
	for {
		now := float64(time.Since(t0)) / 1e6 * speed
		if now/1000 >= secs {
			return nil
		}
		from := 0
		if i > 0 {
			from = im.end[i-1]
		}
		to := from
		first := true
		for i < len(im.run.Msgs) {
			due := float64(base + int64(im.run.Msgs[i].TS))
			if due > now {
				break
			}
			if first {
				rep.LagMs = max(rep.LagMs, (now-due)/speed)
				first = false
			}
			m := &im.run.Msgs[i]
			if m.Video {
				rep.Video++
			} else {
				rep.Audio++
			}
			rep.Payload += int64(len(m.Body))
			rep.FLVTags += int64(len(m.Body)) + 15
			to = im.end[i]
			i++
		}
		if to > from {
			n, err := w.Write(im.wire[from:to])
			rep.Wire += int64(n)
			if err != nil {
				return err
			}
		}
		if i == len(im.run.Msgs) {
			i = 0
			base += int64(im.run.DurMs)
			continue
		}
		wait := float64(base+int64(im.run.Msgs[i].TS)) - float64(time.Since(t0))/1e6*speed
		if wait > 0 {
			time.Sleep(time.Duration(wait / speed * 1e6))
		}
	}
}

// size returns the number of bytes that sendAll sends.
func (im *image) size(p media.Plan) int64 {
	n := int64(p.Full) * int64(len(im.wire))
	if p.Tail > 0 {
		n += int64(im.end[p.Tail-1])
	}
	return n
}

func serveRaw(nc net.Conn, id int64, im *image, p media.Plan) {
	defer nc.Close()
	if *scheme == "rtmpe" {
		nc, _ = decipher(nc)
	}
	var b [1]byte
	if _, err := io.ReadFull(nc, b[:]); err != nil {
		return
	}
	t0 := time.Now()
	rep := report{Conn: id}
	if b[0] == 'W' {
		buf := make([]byte, *rbuf)
		for {
			n, err := nc.Read(buf)
			rep.Wire += int64(n)
			if err != nil {
				rep.End = endOf(err)
				rep.Complete = err == io.EOF
				break
			}
		}
		rep.Payload = rep.Wire
	} else {
		var nb [8]byte // number of bytes that the client requests; 0 means -bytes
		if _, err := io.ReadFull(nc, nb[:]); err != nil {
			return
		}
		if n := int64(binary.BigEndian.Uint64(nb[:])); n > 0 {
			p = im.run.Plan(n)
		}
		var err error
		if *pace > 0 {
			err = im.sendPaced(nc, id, *pace, *secs, &rep)
			rep.Payload = rep.Wire
		} else {
			rep.Wire, err = im.sendAll(nc, p)
			rep.Payload = p.Payload
		}
		rep.Complete = err == nil
		finish(nc)
		nc.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err = io.Copy(io.Discard, nc)
		rep.End = endOf(err)
	}
	rep.Mode = "raw"
	rep.Secs = time.Since(t0).Seconds()
	emit(rep)
}

func newBigWriter(w io.Writer) *bufio.Writer { return bufio.NewWriterSize(w, 1<<20) }
