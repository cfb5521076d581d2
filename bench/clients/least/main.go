// Command least is neither a peer nor a library. It is the least Go code that can parse blast's stream, without checks, extended timestamps
// or interleaving, and shows the lowest possible cost in Go:
//
//	pull-scan  64 KiB reads, chunk headers parsed in place, payload not copied
//	pull-flv   an io.Reader of FLV bytes: each fragment copied once, from the
//	           64 KiB read buffer into the caller's 64 KiB buffer
//	pull-file  the same, written to /dev/null
//	pull-whole, pull-wholefile  the same, but no part of an incomplete message is given out, as a library must do
//	pull-msg   whole messages in one reused buffer; big fragments are read
//	           straight from the socket into it
//	pull-streams  the same, each message handed to the goroutine of its stream
//	push-4096, push-65536     one writev per message (net.Buffers)
//	push-buf                  chunk 65536, small messages gathered in 64 KiB
//	conn, rpc  the bytes that package rtmp sends, and as many system calls
package main

import (
	"io"
	"log"
	"os"

	"github.com/go-librtmp/rtmp/bench/media"
	"github.com/go-librtmp/rtmp/bench/peer"
)

func main() {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		log.Fatal(err)
	}
	peer.Main(peer.Peer{
		Pull: map[string]func(string, *media.Got) error{
			"flv": pullFLV(64<<10, io.Discard, newFLVReader), "flv16k": pullFLV(16<<10, io.Discard, newFLVReader),
			"file":  pullFLV(64<<10, null, newFLVReader),
			"whole": pullFLV(64<<10, io.Discard, newWholeReader), "wholefile": pullFLV(64<<10, null, newWholeReader),
			"scan": pull(64<<10, (*client).skip), "scan4k": pull(4<<10, (*client).skip),
			"msg": pull(64<<10, (*client).message), "msg4k": pull(4<<10, (*client).message), "msg16k": pull(16<<10, (*client).message),
			"streams": pullStreams},
		Push: map[string]func(string, *media.Run, media.Plan) error{"4096": push(4096, 0), "65536": push(65536, 0), "buf": push(65536, 64<<10)},
		Conn: conn, RPC: rpc,
	})
}
