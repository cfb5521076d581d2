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

// value returns the current value of a metric.
func (c *command) value(metric string) float64 {
	c.t.Helper()
	_, body := c.get("GET", "/metrics")
	found := regexp.MustCompile(`(?m)^` + metric + ` (\S+)$`).FindStringSubmatch(body)
	require.NotNil(c.t, found, metric)
	n, err := strconv.ParseFloat(found[1], 64)
	require.NoError(c.t, err)
	return n
}

// crowd is the publishers and players that TestCrowd runs against a server.
type crowd struct {
	t        *testing.T
	c        *command
	size     crowdSize
	ctx      context.Context // done when all publishers and players must disconnect
	random   func(n int) int
	sent     published
	names    claims
	happened chan struct{} // receives a value when a publication has ended, and when a player has received a picture
}

// crowdSize says how large a crowd is and how long its members stay.
type crowdSize struct {
	publishers, players int
	pictures            int           // maximum number of pictures in a publication
	stay                time.Duration // maximum time for which a player stays
	busy                time.Duration // duration of the test; 0 means until there were enough events
}

// eventsPerThird is how many events must happen in each third of the test if crowdSize.busy is 0.
const eventsPerThird = 50

// TestCrowd runs many publishers and players against a server. Publishers take over from each other, players stall, hooks fail, and
// certificates are renewed. Every player must begin with a picture that can be decoded, and receive only pictures that were sent.
// Recordings must be complete. In the end the server must have no connections, streams, goroutines or files left. With RTMP_LONG=1 the
// crowd is larger and the test takes fifteen minutes, unless RTMP_CROWD sets another time and size.
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
	var memory []float64 // resident memory in bytes after one, two and three thirds of the test
	for n := range 2 {
		all.awaitThird()
		memory = append(memory, c.value("process_resident_memory_bytes"))
		trust := renew(t, cert, key)
		c.signal(syscall.SIGHUP)
		c.awaitTimes("keys reloaded", n+1)
		nc, err := tls.Dial("tcp", c.rtmps, trust)
		require.NoError(t, err, "the certificate is the new one")
		nc.Close()
	}
	all.awaitThird()
	memory = append(memory, c.value("process_resident_memory_bytes"))
	t.Logf("%.0f players and %.0f publishers at the end", c.value("rtmp_players"), c.value("rtmp_publishers"))
	assert.Less(t, memory[2], memory[1]*3/2+64e6, "%.0f", memory)
	leave()
	running.Wait()
	c.metricWithin("rtmp_connections 0", 2*patience) // an RTMPT session that its client has not closed lasts half a minute
	c.metric("rtmp_streams 0")
	const idle = 2 * 64 // maximum number of goroutines for idle connections to the hook
	require.Eventually(t, func() bool { return c.value("go_goroutines") <= goroutines+idle+5 }, patience, 50*time.Millisecond)
	require.Eventually(t, func() bool { return c.value("process_open_fds") <= files+idle/2+5 }, patience, 50*time.Millisecond)
	t.Logf("%.0f bytes of memory, %.0f when all had gone; %.0f s of CPU, %.1f GB sent", memory, c.value("process_resident_memory_bytes"),
		c.value("process_cpu_seconds_total"), c.value("rtmp_sent_bytes_total")/1e9)
	t.Logf("%d players and %d publishers asked, %d messages missed by players", len(b.of("on_play")), len(b.of("on_publish")), all.sent.missed.Load())

	c.signal(os.Interrupt)
	assert.Equal(t, exitSuccess, c.wait())
	all.sent.checkFiles(t, filepath.Join(dir, "live"))
}

// longCrowd returns the size of the crowd with RTMP_LONG.
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

// awaitThird waits for a third of size.busy or, if that is 0, for eventsPerThird events.
func (a *crowd) awaitThird() {
	var over <-chan time.Time
	if a.size.busy > 0 {
		over = time.After(a.size.busy / 3)
	}
	for n := 0; over != nil || n < eventsPerThird; n++ {
		select {
		case <-a.happened:
		case <-over:
			return
		case <-time.After(patience):
			require.FailNow(a.t, "nothing happens", "%d", n)
		}
	}
}

func (a *crowd) countEvent() {
	select {
	case a.happened <- struct{}{}:
	case <-a.ctx.Done():
	}
}

// wait waits for d, or until all members must disconnect.
func (a *crowd) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-a.ctx.Done():
	}
}

// dial connects to a stream over a random transport.
func (a *crowd) dial(name int, o *rtmp.Options) (*rtmp.Conn, error) {
	address := "rtmp://" + a.c.rtmp
	switch a.random(10) {
	case 0:
		address = "rtmps://" + a.c.rtmps
		o.TLSConfig = &tls.Config{InsecureSkipVerify: true} // the certificate is renewed during the test
	case 1:
		address = "rtmpt://" + a.c.http
	}
	return rtmp.Dial(conntest.Context(a.t), address+"/live/"+strconv.Itoa(name), o)
}

// publish publishes one stream after the other. In one of ten cases it uses the name of another publisher.
func (a *crowd) publish(own int) {
	for a.ctx.Err() == nil {
		name := own
		if a.random(10) == 0 {
			name = a.random(a.size.publishers)
		}
		release := a.names.claim(name)
		c, err := a.dial(name, &rtmp.Options{Publish: true})
		if err != nil {
			release()
			a.pause() // a hook has failed
			continue
		}
		out, err := c.CreateStream(conntest.Context(a.t), &rtmp.StreamOptions{Writable: true})
		if err != nil {
			c.Close()
			release()
			a.pause()
			continue
		}
		p := a.sent.begin()
		for n := uint32(a.random(a.size.pictures)); p.sent < n && a.ctx.Err() == nil && p.write(out) == nil; {
			a.wait(picturePeriod)
		}
		closed := c.Close()
		a.sent.end(p, release() && closed == nil)
		a.countEvent()
	}
}

// pause waits a short time after a client was refused.
func (a *crowd) pause() { a.wait(10 * time.Millisecond) }

// play plays one stream after the other. If exactly is false, it checks only the first picture of each stream, which takes less time.
func (a *crowd) play(exactly bool) {
	for a.ctx.Err() == nil {
		c, err := a.dial(a.random(a.size.publishers), &rtmp.Options{Live: true})
		if err != nil {
			a.pause()
			continue
		}
		ctx, cancel := context.WithTimeout(a.ctx, time.Millisecond+time.Duration(a.random(int(a.size.stay))))
		if s, err := c.CreateStream(ctx, nil); err == nil { // the stream may never get a publisher
			unbind := s.Bind(ctx)
			a.watch(s, exactly)
			unbind()
		}
		cancel()
		c.Close()
	}
}

// watch plays a stream until its end or the deadline. One player in ten stalls once.
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
		if err := check.check(&packet); err != nil {
			a.t.Error(err)
			return
		}
	}
	if check.pictures > 0 {
		a.countEvent()
	}
}
