package transport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

type hostile struct {
	mu       sync.Mutex
	r        *rand.Rand
	received []byte
	handled  string // last path
	answer   []byte // its body
	sent     int
	broken   string // what was done wrongly, after which nothing may be demanded
	retried  int
	reqs     int
	log      []string
	faultP   int
}

func (h *hostile) n(n int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.r.IntN(n)
}

func (h *hostile) serve(nc net.Conn) {
	in := bufio.NewReader(nc)
	for k := 0; ; k++ {
		if k > 0 && h.n(12) == 0 {
			return // keep-alive closed while idle, or while a request is under way
		}
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if h.n(20) == 0 && k > 0 { // close having read the header only
			h.note("closed after header " + req.URL.Path)
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			h.note("short body " + req.URL.Path)
			return
		}
		if h.n(20) == 0 && k > 0 { // close before it is handled
			h.note("closed before handled " + req.URL.Path)
			return
		}
		answer := h.handle(req.URL.Path, body)
		if h.n(20) == 0 && k > 0 {
			h.note("closed after handled " + req.URL.Path)
			return
		}
		if !h.reply(nc, answer, req.URL.Path) {
			return
		}
	}
}

func (h *hostile) note(s string) {
	h.mu.Lock()
	h.log = append(h.log, s)
	h.mu.Unlock()
}

func (h *hostile) handle(path string, body []byte) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reqs++
	if path == h.handled { // repeated
		h.retried++
		return h.answer
	}
	h.handled = path
	if strings.HasPrefix(path, "/open/") {
		h.answer = []byte("session\n")
		return h.answer
	}
	if strings.HasPrefix(path, "/send/") {
		h.received = append(h.received, body...)
	}
	n := 0
	if h.r.IntN(2) == 0 {
		n = h.r.IntN([]int{10, 1000, 200_000}[h.r.IntN(3)])
	}
	h.answer = append([]byte{1}, pattern(h.sent, n)...)
	h.sent += n
	return h.answer
}

func (h *hostile) reply(nc net.Conn, b []byte, path string) (again bool) {
	var w bytes.Buffer
	for range h.n(8) / 5 * h.n(4) {
		fmt.Fprintf(&w, "HTTP/1.1 %d X\r\nX-A: b\r\n\r\n", 102+h.n(3))
	}
	fmt.Fprintf(&w, "HTTP/1.%d 200 OK\r\n", 1)
	switch h.n(4) {
	case 0:
		w.WriteString("Content-Type: application/x-fcs\r\n")
	case 1:
		w.WriteString("Content-Type: text/plain; charset=utf-8\r\n")
	}
	if h.n(5) == 0 {
		w.WriteString("Content-Encoding: gzip\r\n")
	}
	if h.n(5) == 0 {
		fmt.Fprintf(&w, "X-Big: %s\r\n", strings.Repeat("x", h.n(40000)))
	}
	again = true
	if h.n(8) == 0 {
		w.WriteString("Connection: close\r\n")
		again = false
	}
	fault := h.n(40*h.faultP) == 0
	switch h.n(3) {
	case 0:
		fmt.Fprintf(&w, "Content-Length: %d\r\n\r\n", len(b))
		w.Write(b)
	case 1:
		w.WriteString("Transfer-Encoding: chunked\r\n\r\n")
		for len(b) > 0 {
			n := 1 + h.n(len(b))
			if h.n(3) == 0 {
				n = min(n, 1+h.n(3000))
			}
			fmt.Fprintf(&w, "%x", n)
			if h.n(10) == 0 {
				w.WriteString(";ext=1")
			}
			w.WriteString("\r\n")
			w.Write(b[:n])
			w.WriteString("\r\n")
			b = b[n:]
		}
		w.WriteString("0\r\n")
		if h.n(4) == 0 {
			w.WriteString("X-Trailer: 1\r\n")
		}
		w.WriteString("\r\n")
	case 2:
		if again {
			w.WriteString("Connection: close\r\n")
			again = false
		}
		w.WriteString("\r\n")
		w.Write(b)
		fault = false // a cut can't be noticed
	}
	all := w.Bytes()
	if fault {
		switch h.n(2) {
		case 0:
			all = all[:h.n(len(all))]
			h.set("cut " + path)
			again = false
		case 1:
			all = append(all, "garbage after the answer"...) // harmless
			again = h.n(2) == 0
		}
	}
	slow := h.n(6) == 0 && len(all) < 20000
	for len(all) > 0 {
		n := len(all)
		if slow {
			n = min(n, 1+h.n(400))
		}
		if _, err := nc.Write(all[:n]); err != nil {
			return false
		}
		if slow && h.n(10) == 0 {
			time.Sleep(time.Duration(h.n(300)) * time.Microsecond)
		}
		all = all[n:]
	}
	return again
}

func (h *hostile) set(s string) {
	h.mu.Lock()
	if h.broken == "" {
		h.broken = s
	}
	h.mu.Unlock()
}

func TestAttackTunnel(t *testing.T) {
	rounds, _ := strconv.Atoi(os.Getenv("ATTACK"))
	if rounds == 0 {
		t.Skip()
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var total hostile
	ends := map[string]int{}
	var readBytes, wroteBytes int
	for round := range rounds {
		h := &hostile{r: rand.New(rand.NewPCG(seed, uint64(round))), faultP: 1 + round%3*10}
		addr := conntest.Serve(t, h.serve)
		d, _ := NewDialer(Config{})
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		nc, err := d.DialTunnel(ctx, addr, false)
		cancel()
		if err != nil {
			var te *TunnelError
			if !errors.As(err, &te) {
				t.Errorf("round %d: open: %T %v", round, err, err)
			}
			ends["open: "+err.Error()]++
			continue
		}
		var wg sync.WaitGroup
		var next, wrote int
		var mu sync.Mutex
		limit := 200_000 + h.n(2_000_000)
		typed := func(what string, err error) {
			var te *TunnelError
			if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
				return
			}
			if !errors.As(err, &te) && err != io.EOF {
				t.Errorf("round %d %s: %T %v", round, what, err, err)
			}
		}
		for range 3 {
			wg.Go(func() {
				for {
					mu.Lock()
					if next >= limit {
						mu.Unlock()
						return
					}
					n := 1 + rand.IntN([]int{10, 2000, 60000}[rand.IntN(3)])
					n, err := nc.Write(pattern(next, n))
					next += n
					wrote = next
					mu.Unlock()
					if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
						typed("write", err)
						return
					}
					if rand.IntN(4) == 0 {
						nc.SetWriteDeadline(time.Now().Add(time.Duration(rand.IntN(2000)) * time.Microsecond))
					} else {
						nc.SetWriteDeadline(time.Time{})
					}
				}
			})
		}
		var got []byte
		var rerr error
		stop := time.Now().Add(4 * time.Second)
		wdone := make(chan struct{})
		go func() { wg.Wait(); close(wdone) }()
		buf := make([]byte, 1+h.n(100000))
		half := false
		orderly := h.n(2) == 0
		for time.Now().Before(stop) {
			nc.SetReadDeadline(time.Now().Add(time.Duration(rand.IntN(20000)) * time.Microsecond))
			n, err := nc.Read(buf)
			got = append(got, buf[:n]...)
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				rerr = err
				typed("read", err)
				break
			}
			select {
			case <-wdone:
				if orderly && !half {
					nc.(*tunnel).CloseWrite()
					half = true
				}
				if !orderly {
					stop = time.Now()
				}
			default:
			}
		}
		unack, _ := Unacknowledged(nc)
		began := time.Now()
		nc.Close()
		if d := time.Since(began); d > 3*time.Second {
			t.Errorf("round %d: Close took %v", round, d)
		}
		<-wdone
		h.mu.Lock()
		desc := fmt.Sprintf("round %d seed %d wrote %d unack %d received %d read %d sent %d err %v broken %q log %v", round, seed, wrote, unack, len(h.received), len(got), h.sent, rerr, h.broken, h.log)
		if !bytes.Equal(got, pattern(0, len(got))) {
			t.Errorf("read wrongly: %s", desc)
		}
		if !bytes.HasPrefix(pattern(0, wrote), h.received) {
			t.Errorf("sent wrongly: %s", desc)
		}
		if len(got) > h.sent {
			t.Errorf("doubled: %s", desc)
		}
		if wrote-unack > len(h.received) {
			t.Errorf("acknowledged wrongly: %s", desc)
		}
		if rerr == io.EOF && (len(got) != h.sent || len(h.received) != wrote) {
			t.Errorf("EOF too early: %s", desc)
		}
		if rerr != nil && rerr != io.EOF && h.broken == "" {
			// must be explained by closes that were retried twice
			ends["unexplained "+strings.ReplaceAll(rerr.Error(), addr, "ADDR")]++
			if len(h.log) == 0 {
				t.Errorf("failed without a reason: %s", desc)
			}
		} else {
			ends[strings.ReplaceAll(fmt.Sprint(rerr), addr, "ADDR")]++
		}
		total.retried += h.retried
		total.reqs += h.reqs
		readBytes += len(got)
		wroteBytes += wrote
		h.mu.Unlock()
		if t.Failed() {
			return
		}
	}
	t.Logf("%d rounds, %d requests, %d repeated after having been handled, read %d, wrote %d", rounds, total.reqs, total.retried, readBytes, wroteBytes)
	for k, n := range ends {
		t.Logf("%5d %s", n, k)
	}
}
