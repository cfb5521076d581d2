package main

import (
	"context"
	"crypto/tls"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/conntest"
)

// value is what a metric is now.
func (c *command) value(metric string) float64 {
	c.t.Helper()
	_, body := c.get("GET", "/metrics")
	found := regexp.MustCompile(`(?m)^` + metric + ` (\S+)$`).FindStringSubmatch(body)
	require.NotNil(c.t, found, metric)
	n, err := strconv.ParseFloat(found[1], 64)
	require.NoError(c.t, err)
	return n
}

// crowd is what TestCrowd lets loose at a server.
type crowd struct {
	t        *testing.T
	c        *command
	size     crowdSize
	ctx      context.Context // ends when all have to leave
	random   func(n int) int
	sent     published
	happened chan struct{} // receives once for each publication that has ended, and for each player that has seen a picture
}

// crowdSize is how big a crowd is, and what it does.
type crowdSize struct {
	publishers, players int
	pictures            int           // of a publication at most
	stay                time.Duration // of a player, at most
	busy                time.Duration // how long all of it takes; 0: until enough has happened
}

// third is what has to happen in a third of the time if the size has no time.
const third = 50

// Publishers come, take over from each other and go, players join, stall and leave, hooks fail, certificates are renewed: nobody begins
// with a picture that can't be decoded, or gets another than was sent, recordings are what was sent, and nothing is left. With
// RTMP_LONG=1 it takes RTMP_CROWD, or fifteen minutes.
func TestCrowd(t *testing.T) {
	t.Parallel()
	size := crowdSize{publishers: 8, players: 20, pictures: 10, stay: time.Second}
	if os.Getenv("RTMP_LONG") != "" {
		size = longCrowd(t)
	}
	random := func(n int) int { return rand.IntN(n) }
	b := newBackEnd(t, func(_ map[string]any, w http.ResponseWriter) {
		switch random(20) {
		case 0:
			w.WriteHeader(http.StatusInternalServerError)
		case 1:
			w.Write([]byte("1"))
		default:
			w.Write([]byte("0"))
		}
	})
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	renew(t, cert, key)
	c := start(t, "--http", "127.0.0.1:0", "--hook", b.URL, "-r", dir, "-k", "--tls-cert", cert, "--tls-key", key, "--tls-port", "0",
		"--record-name", "{path}-{time}", "--takeover", "always", "--linger", "500ms")
	goroutines, files := c.value("go_goroutines"), c.value("process_open_fds")
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	all := &crowd{t: t, c: c, size: size, ctx: ctx, random: random, happened: make(chan struct{})}
	var running sync.WaitGroup
	for i := range size.publishers {
		running.Go(func() { all.publish(i) })
	}
	for i := range size.players {
		running.Go(func() { all.play(i%20 == 0) })
	}
	var memory []float64 // bytes, after a third, two thirds and all of the time
	for n := range 2 {
		all.third()
		memory = append(memory, c.value("process_resident_memory_bytes"))
		trust := renew(t, cert, key)
		c.signal(syscall.SIGHUP)
		c.awaitTimes("keys reloaded", n+1)
		nc, err := tls.Dial("tcp", c.rtmps, trust)
		require.NoError(t, err, "the certificate is the new one")
		nc.Close()
	}
	all.third()
	memory = append(memory, c.value("process_resident_memory_bytes"))
	t.Logf("%.0f players and %.0f publishers at the end", c.value("rtmp_players"), c.value("rtmp_publishers"))
	assert.Less(t, memory[2], memory[1]*3/2+64e6, "%.0f", memory)
	leave()
	running.Wait()
	c.metricWithin("rtmp_connections 0", 2*patience) // a session of RTMPT whose client had no time to close it lasts half a minute
	c.metric("rtmp_streams 0")
	const idle = 2 * 64 // goroutines of connections to the hook that are kept
	require.Eventually(t, func() bool { return c.value("go_goroutines") <= goroutines+idle+5 }, patience, 50*time.Millisecond)
	require.Eventually(t, func() bool { return c.value("process_open_fds") <= files+idle/2+5 }, patience, 50*time.Millisecond)
	t.Logf("%.0f bytes of memory, %.0f when all had gone; %.0f s of CPU, %.1f GB sent", memory, c.value("process_resident_memory_bytes"),
		c.value("process_cpu_seconds_total"), c.value("rtmp_sent_bytes_total")/1e9)
	t.Logf("%d players and %d publishers asked, %d messages missed by players", len(b.of("on_play")), len(b.of("on_publish")), all.sent.missed.Load())

	c.signal(os.Interrupt)
	assert.Equal(t, exitSuccess, c.wait())
	all.sent.checkFiles(t, filepath.Join(dir, "live"))
}

// longCrowd is the size with RTMP_LONG.
func longCrowd(t *testing.T) crowdSize {
	t.Helper()
	size := crowdSize{publishers: 200, players: 2000, pictures: 400, stay: 20 * time.Second, busy: 15 * time.Minute}
	text := os.Getenv("RTMP_CROWD")
	if text == "" {
		return size
	}
	found := regexp.MustCompile(`^(\S+) (\d+) (\d+)$`).FindStringSubmatch(text)
	require.NotNil(t, found, "RTMP_CROWD is a time, publishers and players: 5m 100 1000")
	var err error
	size.busy, err = time.ParseDuration(found[1])
	require.NoError(t, err)
	size.publishers, _ = strconv.Atoi(found[2])
	size.players, _ = strconv.Atoi(found[3])
	return size
}

// third waits for a third of the time, or until a third has happened.
func (a *crowd) third() {
	var over <-chan time.Time
	if a.size.busy > 0 {
		over = time.After(a.size.busy / 3)
	}
	for n := 0; over != nil || n < third; n++ {
		select {
		case <-a.happened:
		case <-over:
			return
		case <-time.After(patience):
			require.FailNow(a.t, "nothing happens", "%d", n)
		}
	}
}

// did reports that something has happened.
func (a *crowd) did() {
	select {
	case a.happened <- struct{}{}:
	case <-a.ctx.Done():
	}
}

// wait waits, or until all have to leave.
func (a *crowd) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-a.ctx.Done():
	}
}

// dial connects to a stream by one of the ways there are.
func (a *crowd) dial(name int, o *rtmp.Options) (*rtmp.Conn, error) {
	address := "rtmp://" + a.c.rtmp
	switch a.random(10) {
	case 0:
		address = "rtmps://" + a.c.rtmps
		o.TLSConfig = &tls.Config{InsecureSkipVerify: true} // it is renewed
	case 1:
		address = "rtmpt://" + a.c.http
	}
	return rtmp.Dial(conntest.Context(a.t), address+"/live/"+strconv.Itoa(name), o)
}

// publish publishes one stream after the other, one in ten under somebody else's name.
func (a *crowd) publish(own int) {
	for a.ctx.Err() == nil {
		name := own
		if a.random(10) == 0 {
			name = a.random(a.size.publishers)
		}
		c, err := a.dial(name, &rtmp.Options{Publish: true})
		if err != nil {
			a.pause() // a hook has failed
			continue
		}
		out, err := c.CreateStream(conntest.Context(a.t), &rtmp.StreamOptions{Writable: true})
		if err != nil {
			c.Close()
			a.pause()
			continue
		}
		p := a.sent.begin()
		for n := uint32(a.random(a.size.pictures)); p.sent < n && a.ctx.Err() == nil && p.write(out) == nil; {
			a.wait(picturePeriod)
		}
		a.sent.end(p, c.Close() == nil)
		a.did()
	}
}

// pause is what a client that was refused waits.
func (a *crowd) pause() { a.wait(10 * time.Millisecond) }

// play plays one stream after the other. If exactly is false it looks at the first picture only, which is cheaper.
func (a *crowd) play(exactly bool) {
	for a.ctx.Err() == nil {
		c, err := a.dial(a.random(a.size.publishers), &rtmp.Options{Live: true})
		if err != nil {
			a.pause()
			continue
		}
		ctx, cancel := context.WithTimeout(a.ctx, time.Millisecond+time.Duration(a.random(int(a.size.stay))))
		if s, err := c.CreateStream(ctx, nil); err == nil { // its publisher may not come
			unbind := s.Bind(ctx)
			a.watch(s, exactly)
			unbind()
		}
		cancel()
		c.Close()
	}
}

// watch plays to the end or the deadline. One in ten stalls once.
func (a *crowd) watch(s *rtmp.Stream, exactly bool) {
	stall := a.random(500)
	check := watcher{published: &a.sent}
	var packet rtmp.Packet
	for n := 0; s.ReadPacket(&packet) == nil; n++ {
		if n == stall {
			a.wait(5 * time.Second)
		}
		if n > 0 && check.pictures > 0 && !exactly {
			continue
		}
		if err := check.see(&packet); err != nil {
			a.t.Error(err)
			return
		}
	}
	if check.pictures > 0 {
		a.did()
	}
}
