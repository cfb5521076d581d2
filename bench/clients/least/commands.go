package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net"
	"net/url"
	"path"
	"strings"
)

func str(b []byte, s string) []byte {
	b = append(b, 2, byte(len(s)>>8), byte(len(s)))
	return append(b, s...)
}

func num(b []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(b, 0), math.Float64bits(v))
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

func dial(raw string, publish bool, size int) (*client, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	var nc net.Conn
	if u.Scheme == "rtmpt" {
		nc, err = dialTunnel(u.Host)
	} else {
		nc, err = net.Dial("tcp", u.Host)
	}
	if err != nil {
		return nil, err
	}
	c := &client{chunk: 128, win: 2500000}
	c.c, c.buf = nc, make([]byte, size)
	c01 := make([]byte, 1537)
	c01[0] = 3
	nc.Write(c01)
	s := make([]byte, 1+2*1536)
	if _, err := io.ReadFull(nc, s); err != nil {
		return nil, err
	}
	app, name := strings.Trim(path.Dir(u.Path), "/"), path.Base(u.Path)
	con := num(str(nil, "connect"), 1)
	con = append(con, 3, 0, 3, 'a', 'p', 'p')
	con = str(con, app)
	con = append(con, 0, 5, 't', 'c', 'U', 'r', 'l')
	con = str(con, "rtmp://"+u.Host+"/"+app)
	con = append(con, 0, 0, 9)
	nc.Write(append(s[1:1537:1537], msg(3, 20, 0, con)...))
	if err := c.waitCommand("_result", "Connect.Success"); err != nil {
		return nil, err
	}
	nc.Write(msg(3, 20, 0, append(num(str(nil, "createStream"), 2), 5)))
	if err := c.waitCommand("_result", ""); err != nil {
		return nil, err
	}
	if publish {
		p := str(str(append(num(str(nil, "publish"), 3), 5), name), "live")
		nc.Write(msg(8, 20, 1, p))
		return c, c.waitCommand("onStatus", "Publish.Start")
	}
	nc.Write(msg(8, 20, 1, str(append(num(str(nil, "play"), 3), 5), name)))
	return c, c.waitCommand("onStatus", "Play.Start")
}

func conn(url string) error {
	c, err := dial(url, false, 4<<10)
	if err != nil {
		return err
	}
	return c.c.Close()
}

func rpc(url string) (func(int) error, func(), error) {
	c, err := dial(url, false, 4<<10)
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
