package main

import (
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
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
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

// Publishers come, take over from each other and go, players join and leave, hooks fail, SIGHUP comes: no player begins with a picture that
// can't be decoded, recordings are whole, and nothing is left. With RTMP_LONG=1 it takes two minutes.
func TestCrowd(t *testing.T) {
	t.Parallel()
	busy, publishers, players := 500*time.Millisecond, 8, 20
	if os.Getenv("RTMP_LONG") != "" {
		busy, publishers, players = 2*time.Minute, 50, 300
	}
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(1, 2))
	chance := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(n)
	}
	b := newBackEnd(t, func(_ map[string]any, w http.ResponseWriter) {
		switch chance(20) {
		case 0:
			w.WriteHeader(http.StatusInternalServerError)
		case 1:
			w.Write([]byte("1"))
		default:
			w.Write([]byte("0"))
		}
	})
	dir := t.TempDir()
	c := start(t, "--http", "127.0.0.1:0", "--hook", b.URL, "-r", dir, "-k",
		"--record-name", "{path}-{time}", "--takeover", "always", "--linger", "500ms")
	goroutines := c.value("go_goroutines")
	over := time.Now().Add(busy)
	var all sync.WaitGroup
	url := func() string { return c.url("live/" + strconv.Itoa(chance(publishers/2))) }
	for range publishers {
		all.Go(func() {
			for time.Now().Before(over) {
				publishSome(t, url(), chance(100))
			}
		})
	}
	for range players {
		all.Go(func() {
			for time.Now().Before(over) {
				playSome(t, url(), 1+chance(50))
			}
		})
	}
	for range 5 {
		time.Sleep(busy / 10)
		c.signal(syscall.SIGHUP)
	}
	all.Wait()
	c.metric("rtmp_connections 0")
	c.metric("rtmp_streams 0")
	const idle = 2 * 64 // goroutines of connections to the hook that are kept
	require.Eventually(t, func() bool { return c.value("go_goroutines") <= goroutines+idle+5 }, patience, 50*time.Millisecond)
	t.Logf("%.1f MB of memory, %d players began, %d publishers",
		c.value("process_resident_memory_bytes")/1e6, len(b.of("on_play")), len(b.of("on_publish")))

	c.signal(os.Interrupt)
	assert.Equal(t, exitSuccess, c.wait())
	files, err := filepath.Glob(filepath.Join(dir, "live", "*.flv"))
	require.NoError(t, err)
	assert.NotEmpty(t, files)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		_, err = testserver.Tags(body)
		assert.NoError(t, err, file)
	}
}

// publishSome publishes so many pictures, if it may.
func publishSome(t *testing.T, url string, pictures int) {
	p, err := tryPublish(t, url)
	if err != nil {
		return // a hook has failed
	}
	for p.sent.Load() < int64(pictures) {
		select {
		case <-p.ended: // another publisher has taken over
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	p.stop()
}

// playSome plays so many pictures, or for a second.
func playSome(t *testing.T, url string, pictures int) {
	c, err := rtmp.Dial(conntest.Context(t), url, &rtmp.Options{Live: true})
	if err != nil {
		return
	}
	defer c.Close()
	s, err := c.CreateStream(conntest.Context(t), nil)
	if err != nil {
		return
	}
	s.SetReadDeadline(time.Now().Add(time.Second))
	var packet rtmp.Packet
	for seen := 0; seen < pictures; {
		if s.ReadPacket(&packet) != nil {
			return
		}
		kind, _ := flv.KindOf(flv.Tag{Type: flv.TagType(packet.Type), Body: packet.Body})
		if packet.Type != message.TypeVideo || kind == flv.KindHeader {
			continue
		}
		if seen == 0 && kind != flv.KindKeyFrame {
			t.Error("a player begins with", kind)
			return
		}
		seen++
	}
}
