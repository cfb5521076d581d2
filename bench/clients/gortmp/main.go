// Command peer-gortmp drives github.com/yutopp/go-rtmp.
//
// Its client cannot play: there is no Play method, and a message on a created stream calls a nil handler. The library recovers from that
// panic, but then receives nothing more. Its client can receive messages only on message stream 0. So the "play" command is written by hand
// here, and a stream name that contains "msid0" asks blast to send the media on message stream 0.
package main

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"path"
	"runtime"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/yutopp/go-rtmp"
	"github.com/yutopp/go-rtmp/message"

	"github.com/go-librtmp/rtmp/bench/media"
	"github.com/go-librtmp/rtmp/bench/peer"
)

func init() { logrus.SetOutput(io.Discard) }

type handler struct {
	rtmp.DefaultHandler
	got *media.Got
	buf []byte
}

func (h *handler) OnUnknownMessage(ts uint32, msg message.Message) error {
	var r io.Reader
	switch m := msg.(type) {
	case *message.VideoMessage:
		h.got.Video++
		r = m.Payload
	case *message.AudioMessage:
		h.got.Audio++
		r = m.Payload
	default:
		return nil
	}
	for { // the payload is a reader: one copy into the caller's buffer
		n, err := r.Read(h.buf)
		h.got.Payload += int64(n)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func dial(raw string, h rtmp.Handler, rbuf int) (*rtmp.ClientConn, string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, "", err
	}
	c, err := rtmp.Dial("rtmp", u.Host, &rtmp.ConnConfig{Handler: h, ReaderBufferSize: rbuf})
	if err != nil {
		return nil, "", err
	}
	app := strings.Trim(path.Dir(u.Path), "/")
	err = c.Connect(&message.NetConnectionConnect{Command: message.NetConnectionConnectCommand{
		App: app, FlashVer: "LNX 9,0,124,2", TCURL: "rtmp://" + u.Host + "/" + app,
	}})
	if err != nil {
		c.Close()
		return nil, "", err
	}
	return c, path.Base(u.Path), nil
}

func pull(rbuf int) func(string, *media.Got) error {
	return func(url string, got *media.Got) error {
		h := &handler{got: got, buf: make([]byte, 16<<10)}
		c, name, err := dial(url, h, rbuf)
		if err != nil {
			return err
		}
		defer c.Close()
		s, err := c.CreateStream(nil, 0)
		if err != nil {
			return err
		}
		if !strings.Contains(name, "msid0") {
			name += "-msid0"
		}
		body := append([]byte{5, 2, byte(len(name) >> 8), byte(len(name))}, name...)
		err = s.Write(8, 0, &message.CommandMessage{
			CommandName: "play", TransactionID: 0, Encoding: message.EncodingTypeAMF0, Body: bytes.NewReader(body),
		})
		if err != nil {
			return err
		}
		for { // no end-of-stream callback: the error has to be polled
			if err := c.LastError(); err != nil {
				if errors.Is(err, io.EOF) || strings.Contains(err.Error(), "EOF") {
					return nil
				}
				return err
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
}

func push(chunk uint32) func(string, *media.Run, media.Plan) error {
	return func(url string, run *media.Run, plan media.Plan) error {
		c, name, err := dial(url, nil, 0)
		if err != nil {
			return err
		}
		s, err := c.CreateStream(nil, chunk)
		if err != nil {
			return err
		}
		if err := s.Publish(&message.NetStreamPublish{PublishingName: name, PublishingType: "live"}); err != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond) // Publish does not wait for the server's answer
		err = run.Each(plan, func(m *media.Msg, ts uint32) error {
			if m.Video {
				return s.Write(6, ts, &message.VideoMessage{Payload: bytes.NewReader(m.Body)})
			}
			return s.Write(4, ts, &message.AudioMessage{Payload: bytes.NewReader(m.Body)})
		})
		if err != nil {
			return err
		}
		return c.Close() // Close waits for the send queue, 3 s at most
	}
}

func conn(url string) error {
	c, _, err := dial(url, nil, 0)
	if err != nil {
		return err
	}
	if _, err := c.CreateStream(nil, 0); err != nil {
		return err
	}
	return c.Close()
}

// rpc calls createStream. The library has no function for general calls, and createStream is its only repeatable command with a result
// (deleteStream has no answer).
func rpc(url string) (func(int) error, func(), error) {
	c, _, err := dial(url, nil, 0)
	if err != nil {
		return nil, nil, err
	}
	call := func(int) error {
		s, err := c.CreateStream(nil, 0)
		// The transaction id is always 2, and the library removes the old transaction only after it has woken the caller. If the caller is
		// faster, the call fails.
		for err != nil && strings.HasPrefix(err.Error(), "Transaction already exists") {
			runtime.Gosched()
			s, err = c.CreateStream(nil, 0)
		}
		if err != nil {
			return err
		}
		return c.DeleteStream(&message.NetStreamDeleteStream{StreamID: s.StreamID()})
	}
	return call, func() { c.Close() }, nil
}

func main() {
	peer.Main(peer.Peer{
		Pull: map[string]func(string, *media.Got) error{"": pull(0), "buf64k": pull(64 << 10)},
		Push: map[string]func(string, *media.Run, media.Plan) error{"": push(0), "4096": push(4096), "65536": push(65536)},
		Conn: conn, RPC: rpc,
	})
}
