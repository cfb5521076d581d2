package relay

import (
	"bytes"
	"context"
	_ "embed"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/media"
	"github.com/go-librtmp/rtmp/message"
)

// other is a stream that differs from testserver.Sample in the size of its pictures and in its audio:
//
//	ffmpeg -f lavfi -i testsrc2=size=160x120:rate=25 -f lavfi -i sine=frequency=880:sample_rate=44100 -t 4 \
//	  -c:v libx264 -threads 1 -preset medium -profile:v baseline -pix_fmt yuv420p -b:v 60k -g 50 -keyint_min 50 -sc_threshold 0 \
//	  -c:a aac -b:a 32k -ac 1 -ar 44100 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact -map_metadata -1 -f flv other.flv
//
//go:embed testdata/other.flv
var other []byte

// programme publishes a stream whose content and codecs change, and whose timestamps start again and go back.
type programme struct {
	network  *network
	tags     []flv.Tag
	base     uint32 // timestamp of the first tag
	out      *Publisher
	finished []*Publisher
	begin    time.Time

	mu   sync.Mutex
	next func() // called after the last tag
}

// then calls f after the last tag of the current part.
func (p *programme) then(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = f
}

// restart begins a new publisher, whose timestamps begin at 0.
func (p *programme) restart() {
	if p.out != nil {
		p.out.Close()
		p.finished = append(p.finished, p.out)
	}
	p.base, p.out = 0, &Publisher{URLs: []string{"rtmp://source/live/cam"}, Options: p.network.options(), Backoff: Backoff{Max: 2 * time.Second}}
}

func (p *programme) run(ctx context.Context) {
	for turn := time.Duration(0); ctx.Err() == nil; {
		end := uint32(0)
		for _, tag := range p.tags {
			end = max(end, tag.Timestamp+24)
		}
		for _, tag := range p.tags {
			time.Sleep(time.Until(p.begin.Add(turn + time.Duration(tag.Timestamp)*time.Millisecond)))
			tag.Timestamp += p.base
			p.out.WritePacket(packetOf(tag))
		}
		p.base += end
		turn += time.Duration(end) * time.Millisecond
		p.mu.Lock()
		if p.next != nil {
			p.next()
			p.next = nil
		}
		p.mu.Unlock()
	}
	p.restart()
}

// TestAnHour relays for an hour between two servers. The source crashes, falls silent, changes codecs, restarts its timestamps, sends them
// backwards and refuses all clients for ten minutes; the target crashes too. The result must be one continuous stream. A minute has eight
// seconds unless RTMP_LONG is set.
func TestAnHour(t *testing.T) {
	long, minute := os.Getenv("RTMP_LONG") != "", 8*time.Second
	if long {
		minute = time.Minute
	}
	var file bytes.Buffer
	synctest.Test(t, func(t *testing.T) { anHour(t, &file, minute) })
	assertHour(t, file.Bytes(), minute)
	if long {
		assertDecodes(t, file.Bytes())
	}
}

// assertDecodes asserts that ffmpeg decodes the stream without complaints. Each configuration begins another file, since ffmpeg's H.264
// parser uses only the first one.
func assertDecodes(t *testing.T, file []byte) {
	tags, err := testserver.Tags(file)
	require.NoError(t, err)
	var part []flv.Tag
	decode := func() {
		pictures := 0
		b := flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})
		for _, tag := range part {
			if h, err := flv.ParseVideoHeader(tag.Body); tag.Type == flv.TagVideo && err == nil && h.IsFrame() { // skip the end of sequence
				pictures++
			}
			b = flv.AppendTag(b, tag)
		}
		path := filepath.Join(t.TempDir(), "part.flv")
		require.NoError(t, os.WriteFile(path, b, 0o644))
		out, err := exec.Command("ffmpeg", "-v", "warning", "-xerror", "-i", path, "-fps_mode", "passthrough",
			"-enc_time_base:v", "1:1000", "-f", "framemd5", "-").CombinedOutput()
		require.NoError(t, err, "%s", out)
		frames := 0
		for line := range strings.Lines(string(out)) {
			switch {
			case strings.HasPrefix(line, "0,"):
				frames++
			case !strings.HasPrefix(line, "1,") && !strings.HasPrefix(line, "#"):
				assert.Fail(t, "a warning", line)
			}
		}
		assert.Equal(t, pictures, frames)
		part = nil
	}
	for i, tag := range tags {
		if tag.Type == flv.TagScript && i > 0 { // all headers follow the metadata
			decode()
		}
		part = append(part, tag)
	}
	decode()
}

func anHour(t *testing.T, file io.Writer, minute time.Duration) {
	var n network
	var refusing atomic.Bool
	sourceConfig := testserver.Config{Refuse: func(message.Command) amf.Object {
		if refusing.Load() {
			return message.StatusObject("error", message.CodeConnectInvalidApp, "not now")
		}
		return nil
	}}
	var got recorder
	source, target := n.serve("source", sourceConfig), n.serve("target", testserver.Config{OnMessage: got.take})
	otherTags, err := testserver.Tags(other)
	require.NoError(t, err)
	sample := sampleTags(t)

	ctx, cancel := context.WithTimeout(context.Background(), 60*minute)
	defer cancel()
	p := &programme{network: &n, tags: sample, begin: time.Now()}
	p.restart()
	var running sync.WaitGroup
	running.Go(func() { p.run(ctx) })
	begin := time.Now()
	running.Go(func() {
		at := func(n time.Duration) { time.Sleep(time.Until(begin.Add(n * minute))) }
		at(5) // the source server crashes
		source.Close()
		time.Sleep(minute / 3)
		source = n.serve("source", sourceConfig)
		at(10) // the source server stalls
		n.silent.Store(true)
		time.Sleep(2 * minute)
		n.silent.Store(false)
		at(15) // another codec configuration
		p.then(func() { p.tags = otherTags })
		at(18)
		p.then(func() { p.tags = sample })
		at(20) // the timestamps of the source start at 0 again
		p.then(p.restart)
		at(23) // the timestamps of the source go back
		p.then(func() { p.base -= 60_000 })
		at(26) // the timestamps of the source jump ahead
		p.then(func() { p.base += 1 << 30 })
		at(30) // all clients are refused for ten minutes
		refusing.Store(true)
		source.Close()
		source = n.serve("source", sourceConfig)
		at(40)
		refusing.Store(false)
		at(45) // the target server crashes
		target.Close()
		time.Sleep(minute)
		target = n.serve("target", testserver.Config{OnMessage: got.take})
		at(50) // a new publisher with another codec configuration, on a new server
		source.Close()
		p.then(func() { p.restart(); p.tags = otherTags })
		time.Sleep(5 * time.Second)
		source = n.serve("source", sourceConfig)
	})

	var seen, published events
	o := n.options()
	o.Timeout, o.MediaTimeout = 10*time.Second, 5*time.Second
	player := &Player{URL: "rtmp://source/live/cam", Options: o, OnEvent: seen.add}
	to := &Publisher{URLs: []string{"rtmp://target/live/key"}, Options: n.options(), OnEvent: published.add}
	release := player.Bind(ctx)
	w := flv.NewWriter(file)
	require.NoError(t, w.WriteHeader(flv.FileHeader{HasAudio: true, HasVideo: true}))
	for {
		var pkt rtmp.Packet
		if err := player.ReadPacket(&pkt); err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			break
		}
		require.NoError(t, w.WriteTag(tagOf(&pkt)))
		require.NoError(t, to.WritePacket(&pkt))
	}
	running.Wait()
	release()
	require.NoError(t, player.Close())
	require.NoError(t, to.Close())
	source.Close()
	target.Close()

	s := player.Stats()
	t.Logf("played: %+v", s)
	assert.Equal(t, s.Received, s.Delivered+s.Repeated+s.Skipped)
	assert.InDelta(t, (60 * minute).Seconds(), s.Position.Seconds(), 3)
	var missing time.Duration
	gaps, connections := uint64(0), uint64(0)
	for _, e := range seen.list {
		switch e.Kind {
		case Gap:
			gaps++
			missing += e.Gap
		case Connected:
			connections++
		}
	}
	assert.Equal(t, gaps, s.Gaps)
	assert.Equal(t, missing, s.Missing)
	assert.Equal(t, connections, s.Connections)
	assert.InDelta(t, (minute/3 + 2*minute + 10*minute).Seconds(), missing.Seconds(), 150)

	ps := to.Stats()
	t.Logf("published: %+v", ps)
	assert.Equal(t, s.Delivered, ps.Written)
	assert.Equal(t, ps.Written, ps.Sent+ps.Dropped)
	assert.Zero(t, ps.Queued)
	assert.InDelta(t, ps.Sent+ps.Repeated, len(got.tags), 300) // the difference was in transit when the target crashed
	for _, out := range p.finished {
		ps := out.Stats()
		assert.Equal(t, ps.Written, ps.Sent+ps.Dropped)
	}
}

// assertHour asserts that the timestamps of the file advance, and that a configuration and a key frame follow each gap and each change.
func assertHour(t *testing.T, file []byte, minute time.Duration) {
	tags, err := testserver.Tags(file)
	require.NoError(t, err)
	assertLine(t, tags)
	var changes, gaps int
	broken := true // the next picture must be a key frame
	before := uint32(0)
	for i, tag := range tags {
		kind, _ := flv.KindOf(tag)
		switch {
		case tag.Type != flv.TagVideo:
		case kind == flv.KindHeader:
			changes++
			broken = true
		default:
			if tag.Timestamp-before > 1000 && before > 0 {
				gaps++
				broken = true
			}
			before = tag.Timestamp
			if broken {
				require.Equal(t, flv.KindKeyFrame, kind, "tag %d at %s", i, ms(tag.Timestamp))
			}
			broken = false
		}
	}
	assert.Equal(t, 4, changes, "the sample, the other, the sample, the other")
	assert.GreaterOrEqual(t, gaps, 4)
	r := media.NewFileReader(flv.NewReader(bytes.NewReader(file)))
	units := 0
	for u := (media.Unit{}); ; units++ {
		if err := r.Read(&u); err == io.EOF {
			break
		} else {
			require.NoError(t, err)
		}
	}
	assert.Greater(t, units, 40*int((45*minute).Seconds()))
}
