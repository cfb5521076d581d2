// Command floor does the least that a server of live streams must do: a plain loop writes each message to each player, with one system
// call. It does not speak RTMP: a publisher sends 'W' and then messages, and a player sends 'R' and receives the messages. Each message
// follows its length, a 32-bit big-endian number. With -file it sends a file to players instead: with io.Copy, which on Linux leaves the
// work to the kernel, or with -copy in pieces of 64 KiB that pass through the program.
package main

import (
	"encoding/binary"
	"flag"
	"io"
	"log"
	"net"
	"os"
	"slices"
	"sync"
)

var (
	listen  = flag.String("listen", "127.0.0.1:0", "address")
	file    = flag.String("file", "", "send players this file")
	through = flag.Bool("copy", false, "in pieces of 64 KiB")
)

// players are the connections to which messages are written.
type players struct {
	mu  sync.Mutex
	all []net.Conn
}

func main() {
	flag.Parse()
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	var p players
	for {
		nc, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go p.serve(nc)
	}
}

func (p *players) serve(nc net.Conn) {
	defer nc.Close()
	var kind [1]byte
	if _, err := io.ReadFull(nc, kind[:]); err != nil {
		return
	}
	switch {
	case *file != "":
		send(nc)
	case kind[0] == 'W':
		p.relay(nc)
	default:
		p.mu.Lock()
		p.all = append(p.all, nc)
		p.mu.Unlock()
		nc.Read(kind[:]) // blocks until the player leaves
		p.mu.Lock()
		p.all = slices.DeleteFunc(p.all, func(other net.Conn) bool { return other == nc })
		p.mu.Unlock()
	}
}

// relay reads from a publisher until it ends.
func (p *players) relay(nc net.Conn) {
	message := make([]byte, 1<<20)
	for {
		if _, err := io.ReadFull(nc, message[:4]); err != nil {
			return
		}
		n := 4 + int(binary.BigEndian.Uint32(message))
		if n > len(message) {
			return
		}
		if _, err := io.ReadFull(nc, message[4:n]); err != nil {
			return
		}
		p.mu.Lock()
		for _, player := range p.all {
			player.Write(message[:n])
		}
		p.mu.Unlock()
	}
}

func send(nc net.Conn) {
	f, err := os.Open(*file)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	if *through {
		io.CopyBuffer(struct{ io.Writer }{nc}, struct{ io.Reader }{f}, make([]byte, 64<<10))
		return
	}
	io.Copy(nc, f)
}
