// Package media makes the synthetic audio/video that every program of this
// bench sends or expects: a deterministic 20 s run of AVC + AAC messages that
// can be repeated forever with increasing timestamps. It uses only the standard library.
package media

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand"
)

// RawKey is the key of the RC4 ciphers between blast -raw and the client raw.
const RawKey = "sixteen bytes of"

// Msg is one RTMP audio or video message (= the body of one FLV tag).
type Msg struct {
	Video bool
	Key   bool
	TS    uint32 // ms from the start of the run
	Body  []byte
}

// TypeID is the RTMP message type / FLV tag type.
func (m *Msg) TypeID() byte {
	if m.Video {
		return 9
	}
	return 8
}

// Run is one repeatable stretch of media.
type Run struct {
	Profile string
	Msgs    []Msg
	DurMs   uint32
	Payload int64 // sum of len(Body)

	tags []byte // the same messages as FLV tags
	ends []int  // where each tag ends
}

const (
	runMs   = 20000
	fps     = 25
	gop     = 50
	aacTick = 861 // AAC frames in 20 s at 44.1 kHz (23.2 ms each)
)

// Beginnings that parsers accept: an x264 IDR slice, an x264 P slice, and a
// silent stereo AAC frame.  ffmpeg looks at these even when it only copies.
var (
	idrSlice   = []byte{0x65, 0x88, 0x84, 0x11, 0xff, 0x9e, 0x1b, 0xeb, 0x0f, 0x26, 0xf7, 0x1c, 0x84, 0x7d, 0x07, 0x13}
	interSlice = []byte{0x41, 0x9a, 0x26, 0x22, 0x3f, 0xb8, 0xfb, 0x12, 0xbf, 0xd8, 0x0e, 0x3c, 0xe8, 0xca, 0x73, 0x94}
	silence    = []byte{0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c}
)

// Build makes the run of a profile: "3mbit" (about 3 Mbit/s, key frames
// 60..200 KB, inter frames 4..20 KB), "2mbit", "4mbit" and "200kbit" (for pacing), "20mbit" (key frames of 0.9 to 1 MB) or "audio" (300 bytes each).
func Build(profile string) *Run {
	keyLo, keyHi, intLo, intHi := 60_000, 200_000, 4_000, 20_000
	switch profile {
	case "3mbit":
	case "2mbit":
		keyLo, keyHi, intLo, intHi = 50_000, 70_000, 4_000, 13_000
	case "4mbit":
		keyLo, keyHi, intLo, intHi = 100_000, 140_000, 8_000, 26_000
	case "200kbit":
		keyLo, keyHi, intLo, intHi = 2_000, 3_000, 100, 500
	case "20mbit":
		keyLo, keyHi, intLo, intHi = 900_000, 1_000_000, 60_000, 100_000
	case "audio":
		return buildAudio()
	default:
		panic("media: unknown profile " + profile)
	}
	rng := rand.New(rand.NewSource(20240607))
	noise := make([]byte, 2<<20)
	for i := range noise {
		noise[i] = byte(1 + rng.Intn(255)) // no zero byte: no false start codes
	}
	r := &Run{Profile: profile, DurMs: runMs}
	vi, ai := 0, 0
	nv := runMs * fps / 1000
	for vi < nv || ai < aacTick {
		vts := uint32(vi * 1000 / fps)
		ats := uint32(ai * runMs / aacTick)
		if vi < nv && (ai >= aacTick || vts <= ats) {
			key := vi%gop == 0
			n := intLo + rng.Intn(intHi-intLo+1)
			if key {
				n = keyLo + rng.Intn(keyHi-keyLo+1)
			}
			b := make([]byte, 5+4+n)
			b[0], b[1] = 0x27, 1
			slice := interSlice
			if key {
				b[0], slice = 0x17, idrSlice
			}
			binary.BigEndian.PutUint32(b[5:], uint32(n))
			copy(b[9:], noise[rng.Intn(len(noise)-n):])
			copy(b[9:], slice)
			r.Msgs = append(r.Msgs, Msg{Video: true, Key: key, TS: vts, Body: b})
			vi++
		} else {
			n := 200 + rng.Intn(201)
			b := make([]byte, 2+n)
			b[0], b[1] = 0xaf, 1
			copy(b[2:], silence) // the rest is zeros, which decoders skip
			r.Msgs = append(r.Msgs, Msg{TS: ats, Body: b})
			ai++
		}
	}
	for i := range r.Msgs {
		r.Payload += int64(len(r.Msgs[i].Body))
	}
	return r.makeTags()
}

// Picture returns the body of the picture at a time of the run, in ms, or nil if there is none.
func (r *Run) Picture(ts uint32) []byte {
	for i := range r.Msgs {
		if m := &r.Msgs[i]; m.Video && m.TS == ts {
			return m.Body
		}
	}
	return nil
}

// AVCHeader is the body of the message with the video sequence header
// (1280x720, Main, made by x264). AACHeader is the body of the message with
// the audio sequence header (AAC-LC, 44.1 kHz, stereo).
func AVCHeader() []byte {
	return []byte{
		0x17, 0x00, 0x00, 0x00, 0x00, 0x01, 0x4d, 0x40, 0x1f, 0xff, 0xe1, 0x00, 0x17,
		0x67, 0x4d, 0x40, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xec, 0x04, 0x40, 0x00, 0x00,
		0x03, 0x00, 0x40, 0x00, 0x00, 0x0c, 0x83, 0xc6, 0x0c, 0xa8, 0x01, 0x00, 0x04,
		0x68, 0xef, 0x0f, 0xc8,
	}
}

func AACHeader() []byte { return []byte{0xaf, 0x00, 0x12, 0x10} }

// Plan divides a total number of payload bytes into repetitions of a run: Full whole runs, and then the first Tail messages of another
// one.
type Plan struct {
	Full, Tail      int
	Payload         int64 // without the two sequence headers
	Videos, Audios  int64 // without the two sequence headers
	DurMs           int64
	FLVTagBytes     int64 // sum of 11+len+4, sequence headers included
	PayloadWithSeqs int64
}

func (r *Run) Plan(want int64) Plan {
	p := Plan{Full: int(want / r.Payload)}
	rest := want - int64(p.Full)*r.Payload
	var v, a, tv, ta, tp int64
	for i := range r.Msgs {
		if r.Msgs[i].Video {
			v++
		} else {
			a++
		}
	}
	for rest > 0 {
		m := &r.Msgs[p.Tail]
		rest -= int64(len(m.Body))
		tp += int64(len(m.Body))
		if m.Video {
			tv++
		} else {
			ta++
		}
		p.Tail++
	}
	p.Payload = int64(p.Full)*r.Payload + tp
	p.Videos = int64(p.Full)*v + tv
	p.Audios = int64(p.Full)*a + ta
	p.DurMs = int64(p.Full) * int64(r.DurMs)
	if p.Tail > 0 {
		p.DurMs += int64(r.Msgs[p.Tail-1].TS)
	}
	seqs := int64(len(AVCHeader()) + len(AACHeader()))
	p.PayloadWithSeqs = p.Payload + seqs
	p.FLVTagBytes = p.PayloadWithSeqs + 15*(p.Videos+p.Audios+2)
	return p
}

// MetaData is the AMF0 body of an onMetaData data message.
func MetaData(durationSec float64) []byte {
	var b []byte
	str := func(s string) { b = append(b, byte(len(s)>>8), byte(len(s))); b = append(b, s...) }
	num := func(k string, v float64) {
		str(k)
		b = append(b, 0)
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(v))
	}
	b = append(b, 2)
	str("onMetaData")
	b = append(b, 8, 0, 0, 0, 9)
	num("duration", durationSec)
	num("width", 1280)
	num("height", 720)
	num("framerate", fps)
	num("videocodecid", 7)
	num("videodatarate", 2900)
	num("audiocodecid", 10)
	num("audiosamplerate", 44100)
	num("audiodatarate", 105)
	b = append(b, 0, 0, 9)
	return b
}

func tag(typ byte, ts uint32, body []byte) []byte {
	n := len(body)
	b := make([]byte, 0, n+15)
	b = append(b, typ, byte(n>>16), byte(n>>8), byte(n), byte(ts>>16), byte(ts>>8), byte(ts), byte(ts>>24), 0, 0, 0)
	b = append(b, body...)
	return binary.BigEndian.AppendUint32(b, uint32(n+11))
}

// WriteFLV writes the plan as an FLV file.
func (r *Run) WriteFLV(w io.Writer, p Plan) error {
	hdr := []byte{'F', 'L', 'V', 1, 5, 0, 0, 0, 9, 0, 0, 0, 0}
	hdr = append(hdr, tag(18, 0, MetaData(float64(p.DurMs)/1000))...)
	hdr = append(hdr, tag(9, 0, AVCHeader())...)
	hdr = append(hdr, tag(8, 0, AACHeader())...)
	if _, err := w.Write(hdr); err != nil {
		return err
	}
	for k := 0; k <= p.Full; k++ {
		ms := r.Msgs
		if k == p.Full {
			ms = ms[:p.Tail]
		}
		for i := range ms {
			if _, err := w.Write(tag(ms[i].TypeID(), ms[i].TS+uint32(k)*r.DurMs, ms[i].Body)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Each calls f for every message of the plan (without sequence headers).
func (r *Run) Each(p Plan, f func(m *Msg, ts uint32) error) error {
	for k := 0; k <= p.Full; k++ {
		ms := r.Msgs
		if k == p.Full {
			ms = ms[:p.Tail]
		}
		base := uint32(k) * r.DurMs
		for i := range ms {
			if err := f(&ms[i], base+ms[i].TS); err != nil {
				return err
			}
		}
	}
	return nil
}

// Got is what a client prints (one JSON line on stdout) about what it received.
// A client that counts only FLV bytes sets FLV instead of the other fields.
type Got struct {
	Video, Audio, Payload int64
	FLV                   int64
}

func (g Got) String() string {
	return fmt.Sprintf(`{"video":%d,"audio":%d,"payload":%d}`, g.Video, g.Audio, g.Payload)
}

// buildAudio builds a run of audio messages of 300 bytes.
func buildAudio() *Run {
	r := &Run{Profile: "audio", DurMs: 20000 * 20}
	for i := range 20000 {
		b := make([]byte, 300)
		b[0], b[1] = 0xaf, 1
		copy(b[2:], silence)
		r.Msgs = append(r.Msgs, Msg{TS: uint32(i * 20), Body: b})
		r.Payload += 300
	}
	return r.makeTags()
}

// makeTags encodes the run as FLV.
func (r *Run) makeTags() *Run {
	for i := range r.Msgs {
		r.tags = append(r.tags, tag(r.Msgs[i].TypeID(), r.Msgs[i].TS, r.Msgs[i].Body)...)
		r.ends = append(r.ends, len(r.tags))
	}
	return r
}

// FLV returns the plan as an FLV file without its sequence headers. All runs have the timestamps of the first one, since no program
// checks them.
func FLV(r *Run, p Plan) io.Reader {
	return &flvReader{run: r, plan: p, next: []byte{'F', 'L', 'V', 1, 5, 0, 0, 0, 9, 0, 0, 0, 0}}
}

type flvReader struct {
	run  *Run
	plan Plan
	next []byte
	runs int
}

func (f *flvReader) Read(b []byte) (int, error) {
	if len(f.next) == 0 {
		switch f.runs++; {
		case f.runs <= f.plan.Full:
			f.next = f.run.tags
		case f.runs == f.plan.Full+1 && f.plan.Tail > 0:
			f.next = f.run.tags[:f.run.ends[f.plan.Tail-1]]
		default:
			return 0, io.EOF
		}
	}
	n := copy(b, f.next)
	f.next = f.next[n:]
	return n, nil
}
