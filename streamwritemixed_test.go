package rtmp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// TestWriteIntegrity checks that the server records exactly what was written, although contexts and deadlines end many writes.
func TestWriteIntegrity(t *testing.T) {
	n, seed := repetitions(2), randomSeed(t)
	var packets, refused, sessions, died atomic.Int64
	for _, scheme := range sixSchemes {
		t.Run(scheme, func(t *testing.T) {
			for i := range n {
				r := rand.New(rand.NewPCG(seed, uint64(i)))
				server, recorded := rtmptest.Recorder(t, testserver.Config{Scheme: scheme})
				o := &Options{TLSConfig: testserver.ClientTLS(), Timeout: 5 * time.Second}
				c, s := publishing(t, server.URL("live", "out"), o)
				life, end := context.WithCancel(context.Background())
				var wg sync.WaitGroup
				wg.Go(func() { // other writers, with contexts that end at random moments
					for life.Err() == nil {
						ctx, cancel := context.WithTimeout(life, time.Duration(20+rand.IntN(200))*time.Microsecond)
						c.Call(ctx, "nobody", strings.Repeat("x", rand.IntN(3000)))
						s.UpdateBuffer(ctx, time.Second)
						cancel()
					}
				})
				wg.Go(func() {
					for life.Err() == nil {
						s.SetWriteDeadline(time.Now().Add(time.Duration(rand.IntN(400)) * time.Microsecond))
						time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
					}
				})
				write := (*Stream).WritePacket
				if i%2 == 1 {
					write = writeAsTag
				}
				var want [][]byte
				for j := range uint32(60) {
					body := make([]byte, 8+r.IntN(20000))
					body[0] = 0x27
					binary.BigEndian.PutUint32(body[4:], j)
					p := &Packet{Type: message.TypeVideo, Timestamp: j, Body: body}
					for write(s, p) != nil && c.Err() == nil {
						refused.Add(1)
					}
					if c.Err() != nil {
						break
					}
					want = append(want, body)
					packets.Add(1)
				}
				end()
				wg.Wait()
				s.SetWriteDeadline(time.Time{})
				sessions.Add(1)
				if c.Err() != nil {
					died.Add(1)
					t.Logf("%s died: %v", scheme, c.Err())
					c.Close()
					server.Close()
					continue
				}
				err := c.Close()
				require.NoError(t, err)
				got := rtmptest.Tags(t, recorded("out"))
				require.Equal(t, len(want), len(got))
				for j := range got {
					require.True(t, bytes.Equal(want[j], got[j].Body), "packet %d", j)
				}
			}
		})
	}
	t.Logf("%d sessions, %d packets, %d refusals, %d connections died", sessions.Load(), packets.Load(), refused.Load(), died.Load())
}

// writeAsTag writes p with Write. After a deadline, it continues where Write has stopped.
func writeAsTag(s *Stream, p *Packet) error {
	tag := flv.AppendTag(nil, flv.Tag{Type: flv.TagType(p.Type), Timestamp: p.Timestamp, Body: p.Body})
	for len(tag) > 0 {
		n, err := s.Write(tag)
		tag = tag[n:]
		if err != nil && (s.conn.Err() != nil || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return err
		}
	}
	return nil
}
