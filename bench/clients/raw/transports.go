package main

import (
	"bytes"
	"crypto/rc4"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/go-librtmp/rtmp/bench/media"
	"github.com/go-librtmp/rtmp/bench/peer"
)

func dial(url string) (net.Conn, error) {
	switch scheme, _, _ := strings.Cut(url, "://"); scheme {
	case "rtmps":
		return tls.Dial("tcp", addr(url), &tls.Config{InsecureSkipVerify: true})
	case "rtmpe":
		nc, err := net.Dial("tcp", addr(url))
		in, _ := rc4.NewCipher([]byte(media.RawKey))
		out, _ := rc4.NewCipher([]byte(media.RawKey))
		return &peer.Enciphered{Conn: nc, In: in, Out: out}, err
	}
	return net.Dial("tcp", addr(url))
}

// get reads the bytes as the answer to one request.
func get(url string, got *media.Got) error {
	answer, err := http.Get(fmt.Sprintf("http://%s/raw?bytes=%d", addr(url), wanted(url)))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return drain(answer.Body, 64<<10, got)
}

// post makes the requests of a tunnel: one after the other, without a pause. Each answer is read before the next request is made.
func post(url string, got *media.Got) error {
	post := func(path string, body []byte) (*http.Response, error) {
		return http.Post("http://"+addr(url)+path, "application/x-fcs", bytes.NewReader(body))
	}
	answer, err := post("/open/1", []byte{0})
	if err != nil {
		return err
	}
	id, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		return err
	}
	session := "/" + strings.TrimSpace(string(id))
	op, body := "/send", order(url)
	buf := make([]byte, 64<<10)
	for n := 0; ; n++ {
		answer, err := post(fmt.Sprint(op, session, "/", n), body)
		if err != nil {
			return err
		}
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", op, answer.Status)
		}
		op, body = "/idle", []byte{0}
		size, interval := 0, byte(0)
		for err == nil {
			var k int
			if k, err = answer.Body.Read(buf); size == 0 && k > 0 {
				interval = buf[0]
			}
			size += k
		}
		answer.Body.Close()
		if err != io.EOF {
			return err
		}
		got.Payload += int64(size) - 1
		if interval == 0 && size == 1 {
			return nil
		}
	}
}
