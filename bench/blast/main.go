// Command blast is the stand-alone RTMP server of this bench. It is written with the standard library only, so that it favours none of the
// peers under test. RTMPE's handshake and RTMPT's sessions are this library's.
//
//	play     sends a static in-memory run of AVC+AAC messages, over and over,
//	         as fast as the socket accepts them (or paced), then ends the stream
//	publish  reads, counts and discards whatever is sent
//	echo     answers _result with the arguments
//	-raw     the same bytes with no protocol at all (the floor)
//
// One JSON line per finished connection goes to stdout.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/bench/media"
)

var (
	listen  = flag.String("listen", "127.0.0.1:0", "address of the RTMP listener")
	scheme  = flag.String("scheme", "rtmp", "scheme of the URLs: rtmp, rtmps, rtmpe or rtmpt")
	raw     = flag.Bool("raw", false, "no RTMP: a bare source ('R' + 8 bytes: how much) or sink ('W')")
	bytesF  = flag.Int64("bytes", 1_000_000_000, "audio+video payload bytes of one play")
	chunk   = flag.Int("chunk", 4096, "outgoing chunk size")
	winack  = flag.Uint("winack", 2_500_000, "window acknowledgement size announced to the client")
	pace    = flag.Float64("pace", 0, "0: as fast as possible; 1: real time")
	secs    = flag.Float64("secs", 20, "with -pace: length of a play in seconds of media")
	profile = flag.String("profile", "3mbit", "media profile: 3mbit, 2mbit, 20mbit or audio")
	rbuf    = flag.Int("rbuf", 256<<10, "read buffer of each connection")
	sndbuf  = flag.Int("sndbuf", 0, "SO_SNDBUF of each connection (0: kernel default, auto-tuned)")
	mkflv   = flag.String("mkflv", "", "write an FLV file of -bytes to this path and exit")
	verbose = flag.Bool("v", false, "log commands to stderr")
)

type report struct {
	Conn     int64   `json:"conn"`
	Mode     string  `json:"mode"`
	Name     string  `json:"name,omitempty"`
	Video    int64   `json:"video"`
	Audio    int64   `json:"audio"`
	Payload  int64   `json:"payload"`
	FLVTags  int64   `json:"flv_tag_bytes"`
	Wire     int64   `json:"wire"`
	Secs     float64 `json:"secs"`
	Complete bool    `json:"complete"` // play: every byte went into the socket; publish: clean end
	End      string  `json:"end"`      // how the client ended: fin, rst, timeout, ...
	Acks     int64   `json:"acks,omitempty"`
	LastAck  uint32  `json:"last_ack,omitempty"`
	InChunk  int     `json:"in_chunk,omitempty"`
	LagMs    float64 `json:"max_lag_ms,omitempty"`
	Commands string  `json:"commands,omitempty"`
	Err      string  `json:"err,omitempty"`
}

var outMu sync.Mutex

func emit(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	outMu.Lock()
	os.Stdout.Write(append(b, '\n'))
	outMu.Unlock()
}

func main() {
	flag.Parse()
	run := media.Build(*profile)
	plan := run.Plan(*bytesF)
	if *mkflv != "" {
		if err := writeFLV(*mkflv, run, plan); err != nil {
			fmt.Fprintln(os.Stderr, "blast:", err)
			os.Exit(1)
		}
		return
	}
	img := buildImage(run, *chunk, 1)
	ln, err := net.Listen("tcp", *listen)
	if err != nil {
		fmt.Fprintln(os.Stderr, "blast:", err)
		os.Exit(1)
	}
	emit(map[string]any{"listen": ln.Addr().String(), "plan": plan, "run_payload": run.Payload, "run_wire": len(img.wire), "chunk": *chunk})
	var ids atomic.Int64
	err = serve(ln, img, plan, func(nc net.Conn) {
		id := ids.Add(1)
		if *raw {
			serveRaw(nc, id, img, plan)
			return
		}
		c := &conn{nc: nc, id: id, img: img, plan: plan, start: time.Now()}
		c.serve()
	})
	fmt.Fprintln(os.Stderr, "blast:", err)
	os.Exit(1)
}

func writeFLV(path string, run *media.Run, plan media.Plan) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := newBigWriter(f)
	if err := run.WriteFLV(w, plan); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
