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
	"strings"
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

// crowd is the group of publishers and players that TestCrowd runs against a server.
type crowd struct {
	t      *testing.T
	c      *command
	names  int
	over   time.Time
	random func(n int) int
	sent   published
}

// TestCrowd runs publishers that come, take over from each other and leave, and players that join, stall and leave, while hooks fail and
// certificates are renewed. Every player must begin with a picture that can be decoded and receive the pictures that were sent, recordings
// must contain what was sent, and nothing may be left at the end. With RTMP_LONG=1 it takes the time in RTMP_CROWD, or fifteen minutes.
func TestCrowd(t *testing.T) {
	t.Parallel()
	busy, publishers, players := 500*time.Millisecond, 8, 20
	if os.Getenv("RTMP_LONG") != "" {
		busy, publishers, players = 15*time.Minute, 200, 2000
		if text := os.Getenv("RTMP_CROWD"); text != "" { // for example 5m 100 1000, for a smaller machine
			busy, publishers, players = crowdSize(t, text)
		}
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
	all := &crowd{t: t, c: c, names: publishers, over: time.Now().Add(busy), random: random}
	var running sync.WaitGroup
	for i := range publishers {
		running.Go(func() { all.publish(i) })
	}
	for i := range players {
		running.Go(func() { all.play(i%20 == 0) })
	}
	var memory []float64 // bytes in use after a third, two thirds and all of the time
	for n := range 2 {
		time.Sleep(busy / 3)
		memory = append(memory, c.value("process_resident_memory_bytes"))
		trust := renew(t, cert, key)
		c.signal(syscall.SIGHUP)
		require.Eventually(t, func() bool { return strings.Count(c.text(), "keys reloaded") > n }, patience, 10*time.Millisecond)
		nc, err := tls.Dial("tcp", c.rtmps, trust)
		require.NoError(t, err, "the certificate is the new one")
		nc.Close()
	}
	time.Sleep(time.Until(all.over) - busy/20)
	memory = append(memory, c.value("process_resident_memory_bytes"))
	t.Logf("%.0f players and %.0f publishers at the end", c.value("rtmp_players"), c.value("rtmp_publishers"))
	assert.Less(t, memory[2], memory[1]*3/2+64e6, "%.0f", memory)
	running.Wait()
	c.metric("rtmp_connections 0")
	c.metric("rtmp_streams 0")
	const idle = 2 * 64 // goroutines of idle connections to the hook
	require.Eventually(t, func() bool { return c.value("go_goroutines") <= goroutines+idle+5 }, patience, 50*time.Millisecond)
	require.Eventually(t, func() bool { return c.value("process_open_fds") <= files+idle/2+5 }, patience, 50*time.Millisecond)
	t.Logf("%.0f bytes of memory, %.0f when all had gone; %.0f s of CPU, %.1f GB sent", memory, c.value("process_resident_memory_bytes"),
		c.value("process_cpu_seconds_total"), c.value("rtmp_sent_bytes_total")/1e9)
	t.Logf("%d players and %d publishers asked, %d messages missed by players", len(b.of("on_play")), len(b.of("on_publish")), all.sent.missed.Load())

	c.signal(os.Interrupt)
	assert.Equal(t, exitSuccess, c.wait())
	all.sent.checkFiles(t, filepath.Join(dir, "live"))
}

func crowdSize(t *testing.T, text string) (busy time.Duration, publishers, players int) {
	t.Helper()
	found := regexp.MustCompile(`^(\S+) (\d+) (\d+)$`).FindStringSubmatch(text)
	require.NotNil(t, found, "RTMP_CROWD is a time, publishers and players: 5m 100 1000")
	busy, err := time.ParseDuration(found[1])
	require.NoError(t, err)
	publishers, _ = strconv.Atoi(found[2])
	players, _ = strconv.Atoi(found[3])
	return busy, publishers, players
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

// publish publishes one stream after the other, one in ten under the name of another publisher.
func (a *crowd) publish(own int) {
	for time.Now().Before(a.over) {
		name := own
		if a.random(10) == 0 {
			name = a.random(a.names)
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
		for n := uint32(a.random(400)); p.sent < n && time.Now().Before(a.over) && p.write(out) == nil; {
			time.Sleep(picturePeriod)
		}
		a.sent.end(p, c.Close() == nil)
	}
}

func (a *crowd) pause() { time.Sleep(10 * time.Millisecond) }

// play plays one stream after the other. If exactly is false it checks only the first picture, which is cheaper.
func (a *crowd) play(exactly bool) {
	for time.Now().Before(a.over) {
		c, err := a.dial(a.random(a.names), &rtmp.Options{Live: true})
		if err != nil {
			a.pause()
			continue
		}
		until := time.Now().Add(time.Duration(1+a.random(20_000)) * time.Millisecond)
		if until.After(a.over) {
			until = a.over
		}
		ctx, cancel := context.WithDeadline(conntest.Context(a.t), until)
		if s, err := c.CreateStream(ctx, nil); err == nil { // the stream may not get a publisher
			s.SetReadDeadline(until)
			a.watch(s, exactly)
		}
		cancel()
		c.Close()
	}
}

// watch plays to the end or the deadline. One player in ten stalls once.
func (a *crowd) watch(s *rtmp.Stream, exactly bool) {
	stall := a.random(500)
	check := watcher{published: &a.sent}
	var packet rtmp.Packet
	for n := 0; s.ReadPacket(&packet) == nil; n++ {
		if n == stall {
			time.Sleep(min(5*time.Second, max(0, time.Until(a.over))))
		}
		if n > 0 && check.pictures > 0 && !exactly {
			continue
		}
		if err := check.see(&packet); err != nil {
			a.t.Error(err)
			return
		}
	}
}
