package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/message"
)

// counterpartEnv makes this test binary the other side of a benchmark: a process of its own, so that the CPU time
// measured is that of one side alone. Its value is one of
//
//	send             sends bytes to who connects
//	sink             receives bytes from who connects
//	play CHUNKSIZE   plays the mix to who connects, as an RTMP server
//	accept           receives what is published, as an RTMP server, and does not look into it
//	push CHUNKSIZE   publishes the mix to the URL that comes on stdin
//	joy4 ADDR URL    joy4's server on an address, which plays what it pulls from a URL
const counterpartEnv = "RTMP_BENCH_COUNTERPART"

// sendRate is how fast senders send, in bytes per second: nearly as fast as anybody can read. At full speed the kernel
// does the sender's work in whichever process happens to be there, and figures can't be compared.
const sendRate = 2_000_000_000

// startCounterpart starts the other side and returns its address. in is its stdin.
func startCounterpart(b *testing.B, what string) (addr string, in io.Writer) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), counterpartEnv+"="+what)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	if strings.HasPrefix(what, "push") {
		return "", in
	}
	addr, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(b, err)
	return strings.TrimSpace(addr), in
}

// runCounterpart is the other side, for one connection. Its errors are those of a peer that has enough.
func runCounterpart(what string) error {
	what, argument, _ := strings.Cut(what, " ")
	if what == "joy4" {
		addr, source, _ := strings.Cut(argument, " ")
		return serveJoy4(addr, source)
	}
	chunkSize, _ := strconv.Atoi(argument)
	if what == "push" {
		return push(chunkSize)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	nc, err := l.Accept()
	if err != nil {
		return err
	}
	defer nc.Close()
	if what == "play" || what == "accept" {
		if _, err := handshake.Server(nc, handshake.Config{}); err != nil {
			return err
		}
		if err := answer(nc, map[string]string{"play": "play", "accept": "publish"}[what]); err != nil {
			return err
		}
	}
	switch what {
	case "send":
		return paced(nc, make([]byte, 512<<10))
	case "play":
		first, round, err := chunks(chunkSize)
		if err != nil {
			return err
		}
		if _, err := nc.Write(first); err != nil {
			return err
		}
		go io.Copy(io.Discard, nc) // acknowledgements
		return paced(nc, round)
	}
	_, err = io.Copy(io.Discard, struct{ io.Reader }{nc}) // not by splice, which nobody can do who looks at the bytes
	return err
}

// paced writes round again and again.
func paced(w io.Writer, round []byte) error {
	for began, sent := time.Now(), 0; ; time.Sleep(time.Until(began.Add(time.Duration(sent) * time.Second / sendRate))) {
		n, err := w.Write(round)
		if err != nil {
			return err
		}
		sent += n
	}
}

// push publishes with this library.
func push(chunkSize int) error {
	url, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return err
	}
	c, err := rtmp.Dial(context.Background(), strings.TrimSpace(url), &rtmp.Options{Publish: true, ChunkSize: chunkSize})
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := c.CreateStream(context.Background(), &rtmp.StreamOptions{Writable: true})
	if err != nil {
		return err
	}
	return paced(s, mixFLV())
}

// answer says yes to everything up to a command of that name.
func answer(nc net.Conn, last string) error {
	in, out := chunk.NewReader(nc, 0), chunk.NewWriter()
	reply := func(streamID uint32, name string, id float64, object any, args ...any) error {
		body, err := message.AppendCommand(nil, message.TypeCommandAMF0,
			&message.Command{Name: name, TransactionID: id, Object: object, Args: args})
		if err != nil {
			return err
		}
		b, err := out.AppendMessage(nil, &chunk.Outgoing{Type: uint8(message.TypeCommandAMF0), ChunkStreamID: 3,
			StreamID: streamID, Body: body})
		if err != nil {
			return err
		}
		_, err = nc.Write(b)
		return err
	}
	for {
		var m chunk.Message
		if err := in.Next(&m); err != nil {
			return err
		}
		if message.Type(m.Type) != message.TypeCommandAMF0 {
			continue
		}
		cmd, err := message.ParseCommand(message.TypeCommandAMF0, m.Body())
		if err != nil {
			return err
		}
		switch cmd.Name {
		case "connect":
			err = reply(0, "_result", cmd.TransactionID, message.StatusObject("", "", ""),
				message.StatusObject("status", "NetConnection.Connect.Success", "welcome"))
		case "createStream":
			err = reply(0, "_result", cmd.TransactionID, nil, 1.0)
		case "play":
			err = reply(1, "onStatus", 0, nil, message.StatusObject("status", "NetStream.Play.Start", "begins"))
		case "publish":
			err = reply(1, "onStatus", 0, nil, message.StatusObject("status", "NetStream.Publish.Start", "go on"))
		}
		if err != nil || cmd.Name == last {
			return err
		}
	}
}

// mix is what all benchmarks send: two thirds of the messages are sound of 300 bytes, one third pictures of 17400.
func mix() []flv.Tag {
	var tags []flv.Tag
	for size := 0; size < 1<<20; {
		sound, picture := make([]byte, 300), make([]byte, 17_400)
		copy(sound, wire("af 01"))
		copy(picture, wire("27 01 000000"))
		tags = append(tags, flv.Tag{Type: flv.TagAudio, Body: sound}, flv.Tag{Type: flv.TagVideo, Body: picture},
			flv.Tag{Type: flv.TagAudio, Body: sound})
		size += 18_000 + 3*flv.TagOverhead
	}
	return tags
}

// mixFLV is the mix as tags.
func mixFLV() (b []byte) {
	for _, tag := range mix() {
		b = flv.AppendTag(b, tag)
	}
	return b
}

// chunks is the mix for a player: once with whole headers, and then with such as refer to those, to be sent repeatedly.
func chunks(chunkSize int) (first, round []byte, err error) {
	w := chunk.NewWriter()
	first, err = w.AppendMessage(nil, &chunk.Outgoing{Type: uint8(message.TypeSetChunkSize), ChunkStreamID: 2,
		Body: message.AppendUint32(nil, uint32(chunkSize))})
	for _, dst := range []*[]byte{&first, &round} {
		for _, tag := range mix() {
			o := chunk.Outgoing{Type: uint8(tag.Type), ChunkStreamID: 4 + 2*uint32(tag.Type&1), StreamID: 1,
				Format: chunk.Format1, Body: tag.Body}
			if err == nil {
				*dst, err = w.AppendMessage(*dst, &o)
			}
		}
	}
	return first, round, err
}
