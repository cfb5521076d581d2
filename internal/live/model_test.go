package live_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
)

// naive is a model of the hub that keeps all messages. The test compares the model with what the hub delivers to players.
type naive struct {
	all []entry // everything that was published on one stream, in order, with the sequence numbers 1, 2, ...

	// The fields below describe the current publication.
	number  int
	offset  int64 // difference between its timestamps and the stream's
	joined  bool
	keyed   bool                   // the publication has had a key frame
	headers map[flv.TagType][]byte // headers of this publication
	before  map[flv.TagType][]byte // headers of the previous publication that this publication has not replaced
	last    moment                 // time of the newest message
	from    moment                 // time of the newest message of the previous publication
}

// moment is a time of the stream, and the real time at which the stream reached it.
type moment struct {
	at   int64
	came time.Time
}

type entry struct {
	tag         flv.Tag // the tag with the stream's time
	kind        flv.Kind
	publication int
	gated       bool                   // no player can decode it
	repeated    bool                   // players have it from the previous publication
	headers     map[flv.TagType][]byte // headers that are valid at the tag
}

func (n *naive) takeover() {
	n.number++
	n.joined, n.keyed = len(n.all) == 0, false
	n.offset, n.from = 0, n.last
	if len(n.all) > 0 && n.all[len(n.all)-1].publication == n.number-1 { // a publication without messages does not change the headers that players have
		n.before = n.headers
	}
	n.headers = map[flv.TagType][]byte{}
}

func (n *naive) write(t flv.Tag) {
	e := entry{publication: n.number}
	e.kind, _ = flv.KindOf(t)
	at := int64(t.Timestamp) + n.offset
	if !n.joined {
		at = n.from.at + max(1, time.Since(n.from.came).Milliseconds())
		if e.kind != flv.KindHeader {
			n.joined, n.offset = true, at-int64(t.Timestamp)
		}
	}
	e.tag = flv.Tag{Type: t.Type, Timestamp: uint32(at), Body: t.Body}
	e.headers = n.headers
	switch e.kind {
	case flv.KindHeader:
		_, again := n.headers[t.Type]
		e.repeated = !again && string(n.before[t.Type]) == string(t.Body)
		n.headers = map[flv.TagType][]byte{t.Type: t.Body}
		for typ, body := range e.headers {
			if typ != t.Type {
				n.headers[typ] = body
			}
		}
	case flv.KindKeyFrame:
		n.keyed = true
	case flv.KindFrame:
		e.gated = !n.keyed
	}
	n.last = moment{at, time.Now()}
	n.all = append(n.all, e)
}

// watcher is a player under test, of any kind.
type watcher struct {
	name     string
	client   *client
	player   *live.Player
	sub      *live.Subscriber
	recorder int // the publication that it records; 0 if it is not a recorder

	tags      []flv.Tag // tags received by a Subscriber
	sequences []uint64
	over      bool // a Subscriber has received io.EOF

	joined           int  // len(naive.all) when it joined
	cached, filtered bool // cached: it has begun with the newest key frame; filtered: it has turned audio or video off
	slow, paused     bool // slow: it is or was slow; paused: it is paused now
}

func (w *watcher) got() []flv.Tag {
	if w.client != nil {
		return w.client.got()
	}
	return w.tags
}

// fetch reads the available messages of a Subscriber.
func (w *watcher) fetch(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for {
		m, err := w.sub.Next(ctx)
		if errors.Is(err, io.EOF) {
			w.over = true
		}
		if err != nil {
			return
		}
		tag := m.Tag()
		tag.Body = bytes.Clone(tag.Body) // a recorder may use it only until the next batch
		w.tags = append(w.tags, tag)
		w.sequences = append(w.sequences, m.Sequence())
	}
}

// check checks everything that a player has received.
func (w *watcher) check(t *testing.T, n *naive) {
	places := map[string]int{} // index of each body in n.all; bodies are unique except for those of headers
	pictureBefore := make([]int, len(n.all))
	last := map[int]int{}
	for i, e := range n.all {
		places[string(e.tag.Body)] = i
		pictureBefore[i] = -1
		if e.kind == flv.KindFrame || e.kind == flv.KindKeyFrame {
			if before, ok := last[e.publication]; ok {
				pictureBefore[i] = before
			}
			last[e.publication] = i
		}
	}
	place, picture, now := -1, -1, uint32(0)
	known := map[flv.TagType][]byte{}
	var delivered []int
	for i, tag := range w.got() {
		require.GreaterOrEqual(t, tag.Timestamp, now, "%s: time runs back at %d", w.name, i)
		now = tag.Timestamp
		at, ok := places[string(tag.Body)]
		require.True(t, ok, "%s: a message that was not published, at %d", w.name, i)
		e := n.all[at]
		if e.kind == flv.KindHeader {
			known[tag.Type] = tag.Body
			continue
		}
		require.Equal(t, brief([]flv.Tag{e.tag}), brief([]flv.Tag{tag}), "%s: another message at %d", w.name, i)
		require.Greater(t, at, place, "%s: out of order at %d", w.name, i)
		place = at
		delivered = append(delivered, at)
		for _, typ := range []flv.TagType{flv.TagScript, tag.Type} {
			if want := e.headers[typ]; want != nil {
				require.Equal(t, string(want), string(known[typ]), "%s: %v header at %d", w.name, typ, i)
			}
		}
		if w.recorder == 0 && e.kind == flv.KindFrame {
			require.Equal(t, pictureBefore[at], picture, "%s: a picture without those before it at %d", w.name, i)
			require.NotEqual(t, -1, picture, "%s: a picture without a key frame at %d", w.name, i)
		}
		if tag.Type == flv.TagVideo {
			picture = at
		}
	}
	if w.recorder == 0 && w.cached && !w.slow && !w.filtered && len(delivered) > 0 {
		var want []int
		keyed := 0 // the publication of the last key frame
		for i := delivered[0]; i < len(n.all); i++ {
			switch e := n.all[i]; e.kind {
			case flv.KindKeyFrame:
				keyed = e.publication
				fallthrough
			case flv.KindAudio, flv.KindData:
				want = append(want, i)
			case flv.KindFrame:
				if keyed == e.publication {
					want = append(want, i)
				}
			}
		}
		assert.Equal(t, want, delivered, "%s: a player that is not slow gets everything", w.name)
	}
	if w.sub != nil {
		w.checkMissed(t, n)
	}
}

// checkMissed compares a Subscriber's Missed with the sequence numbers of the messages that it has received.
func (w *watcher) checkMissed(t *testing.T, n *naive) {
	least, most := 0, 0
	begun := w.joined == 0 || w.recorder > 0
	for i := w.joined; i < len(n.all); i++ {
		e := n.all[i]
		if w.recorder > 0 && e.publication != w.recorder {
			continue
		}
		if slices.Contains(w.sequences, uint64(i+1)) {
			begun = true
			continue
		}
		if most++; begun && (w.recorder > 0 || !e.gated && !e.repeated) {
			least++
		}
	}
	if w.joined > 0 && w.recorder == 0 {
		most += len(n.all) // it may have begun with messages that were published before it joined
	}
	if !w.filtered {
		assert.LessOrEqual(t, least, int(w.sub.Missed()), "%s: missed", w.name)
	}
	assert.GreaterOrEqual(t, most, int(w.sub.Missed()), "%s: missed", w.name)
}

// schedule runs the hub and the model side by side. Each byte of a script selects one step.
type schedule struct {
	t        *testing.T
	hub      *live.Hub
	naive    naive
	pub      *live.Publisher
	script   []byte
	clock    uint32 // clock of the publisher
	unique   int
	watchers []*watcher
}

func (s *schedule) next() int {
	if len(s.script) == 0 {
		return 0
	}
	b := s.script[0]
	s.script = s.script[1:]
	return int(b)
}

func (s *schedule) write(t flv.Tag) {
	if s.pub == nil {
		return
	}
	s.naive.write(t) // first, since Write may wait for a recorder after the message has arrived
	require.NoError(s.t, s.pub.Write(t))
}

func (s *schedule) number() int {
	s.unique++
	return s.unique
}

func (s *schedule) publish() {
	pub, err := s.hub.Publish("app/name", live.PublishOptions{Policy: live.Policy{
		Takeover: live.TakeAlways, Backlog: 6_000, Linger: 1e6 * time.Hour, PublishIdle: -1}})
	require.NoError(s.t, err)
	s.pub = pub
	s.naive.takeover()
	s.clock = uint32(s.next()) * 1000
}

func (s *schedule) join(how int) {
	w := &watcher{name: fmt.Sprintf("player %d, sort %d", len(s.watchers), how), joined: len(s.naive.all), cached: true}
	var err error
	o := live.PlayOptions{}
	switch how % 8 {
	case 0:
		w.cached, o.NoCache = false, true
	case 1:
		o.StreamID = 5
	case 2:
		w.filtered, o.NoVideo = true, true
	case 3:
		w.filtered, o.NoAudio = true, true
	case 4:
		if s.pub != nil {
			w.sub, w.recorder = s.pub.Collect(1, time.Second), s.naive.number
		}
	case 5:
		w.sub, err = s.hub.Subscribe("app/name", o)
	}
	if w.sub == nil {
		w.client = newClient(65536)
		w.client.patient = how%8 == 6
		o.Ended = w.client.options().Ended
		w.player, err = s.hub.Play("app/name", w.client, o)
	}
	require.NoError(s.t, err)
	s.watchers = append(s.watchers, w)
}

// step performs the step that the next byte selects.
func (s *schedule) step() {
	op := s.next()
	if len(s.watchers) == 0 {
		s.join(7)
	}
	w := s.watchers[op/16%len(s.watchers)]
	switch s.clock += 20; op % 16 {
	case 0:
		s.write(padded(key(s.clock, s.number()), 900))
	case 1, 2, 3:
		s.write(padded(frame(s.clock, s.number()), 300))
	case 4, 5:
		s.write(padded(sound(s.clock, s.number()), 100))
	case 6:
		s.write(data(s.clock, "onCuePoint", s.number()))
	case 7:
		s.write(at(s.clock, []flv.Tag{videoHeader(op / 64), audioHeader(op / 64), data(0, "onMetaData", op/64)}[op/16%3]))
	case 8:
		if s.pub != nil && op > 128 {
			s.pub.Close()
			s.pub = nil
			return
		}
		s.publish()
	case 9:
		s.join(op / 16)
	case 10, 11:
		if w.slow = true; w.client != nil {
			w.client.stall(op%16 == 10)
		}
	case 12:
		if w.slow = true; w.player != nil {
			w.paused = op > 128
			w.player.Pause(w.paused)
		}
	case 13:
		if w.filtered = true; w.player != nil {
			w.player.Receive(op&64 != 0, op&128 != 0)
		} else {
			w.sub.Receive(op&64 != 0, op&128 != 0)
		}
	case 14:
		time.Sleep(time.Duration(op) * 10 * time.Millisecond)
	case 15:
		if w.sub != nil {
			w.fetch(s.t)
		}
	}
}

// run runs the script to its end, and lets all players catch up.
func (s *schedule) run() {
	for len(s.script) > 0 {
		s.step()
		synctest.Wait()
		for _, w := range s.watchers {
			if w.sub != nil && !w.slow {
				w.fetch(s.t)
			}
		}
	}
	for _, w := range s.watchers {
		if w.client != nil {
			w.client.stall(false)
			w.player.Pause(false)
			w.player.Receive(true, true)
		} else {
			w.fetch(s.t)
			w.sub.Receive(true, true)
		}
		synctest.Wait()
	}
	if s.pub == nil {
		s.publish()
	}
	last := []flv.Tag{key(s.clock+40, s.number()), frame(s.clock+80, s.number())}
	for _, tag := range last {
		s.write(tag)
		synctest.Wait()
	}
	s.pub.Close()
	for _, w := range s.watchers {
		if w.sub != nil {
			w.fetch(s.t)
			assert.Equal(s.t, w.recorder > 0, w.over, w.name)
		}
	}
	shut := make(chan error, 1)
	go func() { shut <- s.hub.Shutdown(context.Background()) }()
	synctest.Wait()
	for _, w := range s.watchers {
		if w.client != nil {
			assert.ErrorIs(s.t, w.client.end(s.t), live.ErrClosed, w.name)
		} else {
			w.sub.Close()
		}
		if tags := w.got(); w.recorder == 0 && assert.GreaterOrEqual(s.t, len(tags), 2, w.name) {
			assert.Equal(s.t, string(last[0].Body), string(tags[len(tags)-2].Body), "%s: the last messages", w.name)
			assert.Equal(s.t, string(last[1].Body), string(tags[len(tags)-1].Body), "%s: the last messages", w.name)
		}
		w.check(s.t, &s.naive)
	}
	assert.NoError(s.t, <-shut)
}

func runSchedule(t *testing.T, script []byte) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		s := &schedule{t: t, hub: h, script: script}
		s.run()
	})
}

func TestSchedules(t *testing.T) {
	seeds := uint64(100)
	if os.Getenv("RTMP_LONG") != "" {
		seeds = 20_000
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 7))
		script := make([]byte, 20+r.IntN(400))
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { runSchedule(t, script) }) {
			t.Fatalf("the script is %#v", script)
		}
	}
}

func FuzzSchedules(f *testing.F) {
	f.Add([]byte{9, 8, 0x10, 7, 0x17, 0x27, 0, 1, 4, 1, 10, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 11, 1})
	f.Add([]byte{0x59, 8, 1, 0x47, 0, 1, 0x49, 0x29, 8, 200, 0x47, 1, 4, 0, 1, 8, 3, 0xe, 0xfe, 0, 1, 0x1d, 0xdd, 0, 1})
	f.Add([]byte{0x19, 8, 0, 0, 1, 0x8c, 1, 0, 1, 0x1c, 1, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 1, 0x09, 1, 0, 1})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 2000 {
			return
		}
		runSchedule(t, script)
	})
}
