package main

import (
	"encoding/binary"
	"io"
	"net"

	"github.com/go-librtmp/rtmp/bench/media"
)

func push(chunk, gather int) func(string, *media.Run, media.Plan) error {
	return func(url string, run *media.Run, plan media.Plan) error {
		c, err := start(url, true, 64<<10)
		if err != nil {
			return err
		}
		nc := c.c.(*net.TCPConn)
		defer nc.Close()
		nc.Write(msg(2, 1, 0, binary.BigEndian.AppendUint32(nil, uint32(chunk))))
		done := make(chan struct{})
		go func() { io.Copy(io.Discard, nc); close(done) }()
		var last [2]uint32
		small := make([]byte, 0, gather+16)
		store := make(net.Buffers, 0, 256)
		conts := [2][]byte{{0xc4}, {0xc6}}
		hdr := make([]byte, 12)
		err = run.Each(plan, func(m *media.Msg, ts uint32) error {
			i, csid := 0, byte(4)
			if m.Video {
				i, csid = 1, 6
			}
			d, n := ts-last[i], len(m.Body)
			h := hdr[:0]
			if last[i] == 0 {
				h = append(h, csid, byte(ts>>16), byte(ts>>8), byte(ts), byte(n>>16), byte(n>>8), byte(n), m.TypeID(), 1, 0, 0, 0)
			} else {
				h = append(h, 1<<6|csid, byte(d>>16), byte(d>>8), byte(d), byte(n>>16), byte(n>>8), byte(n), m.TypeID())
			}
			last[i] = ts
			if len(h)+n+n/chunk+1 <= gather-len(small) {
				small = append(small, h...)
				for at := 0; at < n; at += chunk {
					if at > 0 {
						small = append(small, conts[i]...)
					}
					small = append(small, m.Body[at:min(at+chunk, n)]...)
				}
				return nil
			}
			v := store[:0]
			small = append(small, h...)
			v = append(v, small)
			for at := 0; at < n; at += chunk {
				if at > 0 {
					v = append(v, conts[i])
				}
				v = append(v, m.Body[at:min(at+chunk, n)])
			}
			_, err := v.WriteTo(nc)
			small = small[:0]
			return err
		})
		if err != nil {
			return err
		}
		if _, err := nc.Write(small); err != nil {
			return err
		}
		nc.CloseWrite()
		<-done
		return nil
	}
}
