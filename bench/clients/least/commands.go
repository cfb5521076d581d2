package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/url"
	"path"
	"strings"
)

func str(b []byte, s string) []byte { return key(append(b, 2), s) }

func num(b []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(b, 0), math.Float64bits(v))
}

// key is the name of a property.
func key(b []byte, name string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(name))), name...)
}

func msg(csid, typ byte, msid uint32, body []byte) []byte {
	b := []byte{csid, 0, 0, 0, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body)), typ}
	b = binary.LittleEndian.AppendUint32(b, msid)
	for i := 0; i < len(body); i += 128 {
		if i > 0 {
			b = append(b, 0xc0|csid)
		}
		b = append(b, body[i:min(i+128, len(body))]...)
	}
	return b
}

func (c *client) waitCommand(name, code string) error {
	for {
		m, err := c.message()
		if err != nil {
			return err
		}
		if m.typ == 20 && strings.Contains(string(m.body[:min(len(m.body), 300)]), name) && strings.Contains(string(m.body), code) {
			return nil
		}
	}
}

// connect connects to the application of a URL, and returns the name of the stream, too. size is the length of the read buffer. The command has
// the properties that package rtmp sends.
func connect(raw string, size int) (c *client, name string, err error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, "", err
	}
	nc, s1, err := dial(u.Scheme, u.Host)
	if err != nil {
		return nil, "", err
	}
	c = &client{chunk: 128, win: 2500000}
	c.c, c.buf = nc, make([]byte, size)
	app, name := strings.Trim(path.Dir(u.Path), "/"), path.Base(u.Path)
	b := num(str(nil, "connect"), 1)
	b = str(key(append(b, 3), "app"), app)
	b = str(key(b, "flashVer"), "LNX 10,0,32,18")
	b = str(key(b, "tcUrl"), "rtmp://"+u.Host+"/"+app)
	b = append(key(b, "fpad"), 1, 0)
	b = num(key(b, "capabilities"), 15)
	b = num(key(b, "audioCodecs"), 3191)
	b = num(key(b, "videoCodecs"), 252)
	b = num(key(b, "videoFunction"), 1)
	b = append(key(b, "fourCcList"), 10, 0, 0, 0, byte(len(videoCodecs)+len(audioCodecs)))
	for _, codec := range append(videoCodecs, audioCodecs...) {
		b = str(b, codec)
	}
	b = fourCCs(key(b, "videoFourCcInfoMap"), videoCodecs)
	b = fourCCs(key(b, "audioFourCcInfoMap"), audioCodecs)
	b = append(num(key(b, "capsEx"), 14), 0, 0, 9)
	nc.Write(append(s1, msg(3, 20, 0, b)...))
	return c, name, c.waitCommand("_result", "Connect.Success")
}

var (
	videoCodecs = []string{"avc1", "hvc1", "vvc1", "vp08", "vp09", "av01"}
	audioCodecs = []string{"mp4a", "Opus", "fLaC", ".mp3", "ac-3", "ec-3"}
)

func fourCCs(b []byte, codecs []string) []byte {
	b = append(b, 3)
	for _, codec := range codecs {
		b = num(key(b, codec), 5)
	}
	return append(b, 0, 0, 9)
}

// createStream relies on ids that count from 1.
func (c *client) createStream() error {
	b := msg(2, 5, 0, binary.BigEndian.AppendUint32(nil, uint32(c.win)))
	b = append(b, bufferLength(0, 300)...)
	c.c.Write(append(b, msg(3, 20, 0, append(num(str(nil, "createStream"), 2), 5))...))
	c.streams++
	return c.waitCommand("_result", "")
}

func bufferLength(msid, ms uint32) []byte {
	b := binary.BigEndian.AppendUint32([]byte{0, 3}, msid)
	return msg(2, 4, 0, binary.BigEndian.AppendUint32(b, ms))
}

func (c *client) play(msid uint32, name string) {
	b := num(str(append(num(str(nil, "play"), 3), 5), name), 0)
	c.c.Write(append(msg(8, 20, msid, b), bufferLength(msid, 30000)...))
}

// start connects, and plays or publishes a stream.
func start(url string, publish bool, size int) (*client, error) {
	c, name, err := connect(url, size)
	if err != nil {
		return nil, err
	}
	if err := c.createStream(); err != nil {
		return nil, err
	}
	if publish {
		b := str(str(append(num(str(nil, "publish"), 3), 5), name), "live")
		c.c.Write(msg(8, 20, 1, b))
		return c, c.waitCommand("onStatus", "Publish.Start")
	}
	c.play(1, name)
	return c, c.waitCommand("onStatus", "Play.Start")
}

func conn(url string) error {
	c, err := start(url, false, 4<<10)
	if err != nil {
		return err
	}
	c.c.Write(msg(3, 20, 0, num(append(num(str(nil, "deleteStream"), 4), 5), 1)))
	return c.c.Close()
}

func rpc(url string) (func(int) error, func(), error) {
	c, _, err := connect(url, 4<<10)
	if err != nil {
		return nil, nil, err
	}
	call := func(i int) error {
		txn := float64(100 + i)
		b := num(str(append(num(str(nil, "echo"), txn), 5), "hello"), float64(i))
		if _, err := c.c.Write(msg(3, 20, 0, b)); err != nil {
			return err
		}
		for {
			m, err := c.message()
			if err != nil {
				return err
			}
			if m.typ != 20 || len(m.body) < 20 || m.body[2] != 7 || math.Float64frombits(binary.BigEndian.Uint64(m.body[11:])) != txn {
				continue
			}
			if v := math.Float64frombits(binary.BigEndian.Uint64(m.body[len(m.body)-8:])); v != float64(i) {
				return fmt.Errorf("bad echo %v", v)
			}
			return nil
		}
	}
	return call, func() { c.c.Close() }, nil
}
