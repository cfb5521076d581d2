package bench

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
)

// gortmplibServer serves one connection with gortmplib. The URL is that of a stream; done is what serve returned, after
// the connection was closed.
func gortmplibServer(t *testing.T, serve func(*gortmplib.ServerConn) error) (url string, done <-chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	result, ended := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(ended)
		result <- func() error {
			nc, err := l.Accept()
			if err != nil {
				return err
			}
			defer nc.Close()
			nc.SetDeadline(time.Now().Add(testTimeout))
			sc := &gortmplib.ServerConn{RW: nc}
			if err := sc.Initialize(); err != nil {
				return err
			}
			if err := sc.Accept(); err != nil {
				return err
			}
			return serve(sc)
		}()
	}()
	t.Cleanup(func() {
		l.Close()
		<-ended
	})
	return "rtmp://" + l.Addr().String() + "/live/stream", result
}

// readUnits reads with gortmplib until the connection ends.
func readUnits(conn gortmplib.Conn) (tracks []*gortmplib.Track, got []unit, err error) {
	r := &gortmplib.Reader{Conn: conn}
	if err := r.Initialize(); err != nil {
		return nil, nil, err
	}
	tracks = r.Tracks()
	for i, track := range tracks {
		take := func(pts, dts time.Duration, data ...[]byte) {
			got = append(got, unit{track: i, pts: pts, dts: dts, data: data})
		}
		plain := func(pts time.Duration, data []byte) { take(pts, pts, data) }
		switch track.Codec.(type) {
		case *codecs.H264:
			r.OnDataH264(track, func(pts, dts time.Duration, au [][]byte) { take(pts, dts, au...) })
		case *codecs.MPEG4Audio:
			r.OnDataMPEG4Audio(track, plain)
		default:
			return nil, nil, fmt.Errorf("no test for %T", track.Codec)
		}
	}
	for err == nil {
		err = r.Read()
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return tracks, got, err
}

// assertRead compares what gortmplib has read with a stream.
func assertRead(t *testing.T, want stream, tracks []*gortmplib.Track, got []unit) {
	t.Helper()
	assert.Equal(t, want.tracks, tracks)
	require.Len(t, got, len(want.units))
	for i, u := range want.units {
		u.config = false
		require.Equal(t, u, got[i], "unit %d", i)
	}
}

func TestPublishToGortmplib(t *testing.T) {
	publishers := map[string]func(*rtmp.Stream, stream) error{
		"as FLV": func(s *rtmp.Stream, media stream) error {
			_, err := s.Write(media.file())
			return err
		},
		"as packets": func(s *rtmp.Stream, media stream) error {
			for i := range media.packets {
				if err := s.WritePacket(&media.packets[i]); err != nil {
					return err
				}
			}
			return nil
		},
	}
	for _, media := range []stream{sample(t)} {
		for name, publish := range publishers {
			t.Run(media.name+" "+name, func(t *testing.T) {
				var tracks []*gortmplib.Track
				var got []unit
				url, done := gortmplibServer(t, func(sc *gortmplib.ServerConn) (err error) {
					assert.True(t, sc.Publish)
					tracks, got, err = readUnits(sc)
					return err
				})
				c, err := rtmp.Dial(testContext(t), url, &rtmp.Options{Publish: true})
				require.NoError(t, err)
				defer c.Close()
				s, err := c.CreateStream(testContext(t), &rtmp.StreamOptions{Writable: true})
				require.NoError(t, err)
				require.NoError(t, publish(s, media))
				require.NoError(t, c.Close())
				require.NoError(t, <-done)
				assertRead(t, media, tracks, got)
			})
		}
	}
}
