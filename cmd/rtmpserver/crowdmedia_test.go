package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

const (
	picturePeriod = 80 * time.Millisecond // with pictures of pictureSize, this is 200 kbit/s
	pictureSize   = 2000                  // bytes
	keyEvery      = 25                    // pictures
	markAt        = 5 + 4 + 1             // position in a picture, after the AVC header, the NAL unit's length and the NAL unit's header
)

// picture returns the n-th picture of a publication, which differs from all others.
func picture(publication, n uint32) []byte {
	b := make([]byte, pictureSize)
	copy(b, []byte{0x27, 1, 0, 0, 0, 0, 0, (pictureSize - 9) >> 8, (pictureSize - 9) & 0xff, 0x41})
	if n%keyEvery == 0 {
		b[0], b[9] = 0x17, 0x65
	}
	binary.BigEndian.PutUint32(b[markAt:], publication)
	binary.BigEndian.PutUint32(b[markAt+4:], n)
	for i := markAt + 8; i < len(b); i++ {
		b[i] = byte(uint32(i)*publication>>3 + n)
	}
	return b
}

// parsePicture returns the publication and the number of a picture. ok is false if any byte differs from the picture that was published.
func parsePicture(b []byte) (publication, n uint32, ok bool) {
	if len(b) != pictureSize {
		return 0, 0, false
	}
	publication, n = binary.BigEndian.Uint32(b[markAt:]), binary.BigEndian.Uint32(b[markAt+4:])
	return publication, n, string(b) == string(picture(publication, n))
}

// published records the pictures that have been published.
type published struct {
	missed atomic.Int64 // number of pictures that players have missed
	mu     sync.Mutex
	last   uint32
	whole  map[uint32]uint32 // number of pictures by publication, for publications all of whose pictures have certainly arrived
}

// claims counts the publishers of each name. The server drops what a publisher sends after another one has taken over, and the publisher may
// have left before it is told.
type claims struct {
	mu   sync.Mutex
	used map[int]usage
}

// usage counts the publishers that use a name, and those that have ever used it.
type usage struct{ now, ever int }

// claim must be called before a publisher connects, and release when it has disconnected. release reports whether no other publisher has
// used the name in the meantime.
func (c *claims) claim(name int) (release func() (alone bool)) {
	before := c.add(name, usage{1, 1})
	return func() bool {
		after := c.add(name, usage{-1, 0})
		return before.now == 1 && before.ever == after.ever
	}
}

func (c *claims) add(name int, change usage) usage {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.used == nil {
		c.used = make(map[int]usage)
	}
	u := c.used[name]
	u.now, u.ever = u.now+change.now, u.ever+change.ever
	c.used[name] = u
	return u
}

// sending is a publication in progress.
type sending struct{ id, sent uint32 }

func (p *published) begin() *sending {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	return &sending{id: p.last}
}

// end records the number of pictures that were sent. arrived is true if all of them have arrived.
func (p *published) end(s *sending, arrived bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.whole == nil {
		p.whole = make(map[uint32]uint32)
	}
	if arrived {
		p.whole[s.id] = s.sent
	}
}

// write publishes the next picture. It publishes a header before the first one.
func (s *sending) write(out *rtmp.Stream) error {
	if s.sent == 0 {
		header := []byte{0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x1e, 0xff, 0xe0, 0}
		if err := out.WritePacket(&rtmp.Packet{Type: message.TypeVideo, Body: header}); err != nil {
			return err
		}
	}
	at := uint32(picturePeriod.Milliseconds()) * s.sent
	err := out.WritePacket(&rtmp.Packet{Type: message.TypeVideo, Timestamp: at, Body: picture(s.id, s.sent)})
	if err == nil {
		s.sent++
	}
	return err
}

// watcher checks the pictures that a player receives or a file contains.
type watcher struct {
	published *published
	pictures  int
	id, n     uint32 // publication and number of the last picture
	timestamp uint32
}

// check checks a message. A picture must be one that was sent. It must also be the next one of its publication, or a key frame.
func (w *watcher) check(packet *rtmp.Packet) error {
	kind, _ := flv.KindOf(flv.Tag{Type: flv.TagType(packet.Type), Body: packet.Body})
	if packet.Type != message.TypeVideo || kind == flv.KindHeader {
		return nil
	}
	id, n, ok := parsePicture(packet.Body)
	key := n%keyEvery == 0
	next := w.pictures > 0 && id == w.id && n == w.n+1
	switch {
	case !ok:
		return fmt.Errorf("%d bytes that nobody has sent", len(packet.Body))
	case !next && !key:
		return fmt.Errorf("picture %d of %d after %d of %d, of which %d have come: not a key frame", n, id, w.n, w.id, w.pictures)
	case w.pictures > 0 && packet.Timestamp < w.timestamp:
		return fmt.Errorf("time goes back from %d to %d", w.timestamp, packet.Timestamp)
	case w.pictures > 0 && id == w.id && n > w.n:
		w.published.missed.Add(int64(n - w.n - 1))
	}
	w.pictures++
	w.id, w.n, w.timestamp = id, n, packet.Timestamp
	return nil
}

// checkFiles checks that each publication has been recorded in a file of its own, as it was sent.
func (p *published) checkFiles(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.flv"))
	require.NoError(t, err)
	recorded := make(map[uint32]uint32)
	for _, file := range files {
		id, pictures := p.checkFile(t, file)
		assert.Zero(t, recorded[id], "publication %d is in more files than %s", id, file)
		recorded[id] = pictures
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, pictures := range p.whole {
		assert.Equal(t, pictures, recorded[id], "pictures of publication %d", id)
	}
	t.Logf("%d files, %d publications of which all has arrived", len(files), len(p.whole))
}

// checkFile checks that a file begins with the first picture of a publication and that no later one is missing.
func (p *published) checkFile(t *testing.T, file string) (id, pictures uint32) {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	w, tags := watcher{published: p}, flv.NewReader(f)
	for {
		var tag flv.Tag
		err := tags.Next(&tag)
		if errors.Is(err, io.EOF) {
			return w.id, uint32(w.pictures)
		}
		require.NoError(t, err, file)
		require.NoError(t, w.check(&rtmp.Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: tag.Body}), file)
		if w.pictures > 0 {
			require.EqualValues(t, w.pictures-1, w.n, "%s: all from the first on", file)
		}
	}
}
