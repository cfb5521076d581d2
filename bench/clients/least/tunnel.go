package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// tunnel is the client's half of RTMPT, by one request after the other. Read makes a request only when the previous answer has been read, and
// the bytes written meanwhile are the body of that request.
type tunnel struct {
	net.Conn // nil
	url      string
	n        int
	out      []byte
	answer   io.ReadCloser
}

func dialTunnel(host string) (*tunnel, error) {
	t := &tunnel{url: "http://" + host}
	id, err := t.post(t.url+"/open/1", []byte{0})
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(id)
	t.url += "/%s/" + strings.TrimSpace(string(b)) + "/%d"
	return t, err
}

func (t *tunnel) post(url string, body []byte) (io.ReadCloser, error) {
	answer, err := http.Post(url, "application/x-fcs", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s", answer.Status)
	}
	return answer.Body, nil
}

func (t *tunnel) Write(p []byte) (int, error) {
	t.out = append(t.out, p...)
	return len(p), nil
}

func (t *tunnel) Read(p []byte) (int, error) {
	for {
		if t.answer != nil {
			n, err := t.answer.Read(p)
			if err == io.EOF {
				t.answer.Close()
				t.answer, err = nil, nil
			}
			if n > 0 || err != nil {
				return n, err
			}
			continue
		}
		op, body := "idle", []byte{0}
		if len(t.out) > 0 {
			op, body, t.out = "send", t.out, nil
		}
		answer, err := t.post(fmt.Sprintf(t.url, op, t.n), body)
		if err != nil {
			return 0, err
		}
		t.n++
		t.answer = answer
		var interval [1]byte
		if _, err := io.ReadFull(answer, interval[:]); err != nil {
			return 0, err
		}
		if interval[0] == 0 {
			return 0, io.EOF // at the end of the session, answers contain nothing else
		}
	}
}

func (t *tunnel) Close() error {
	answer, err := t.post(fmt.Sprintf(t.url, "close", t.n), []byte{0})
	if err != nil {
		return err
	}
	return answer.Close()
}
