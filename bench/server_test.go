package bench

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	gomessage "github.com/bluenviron/gortmplib/pkg/message"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// gortmplibServer serves one connection with gortmplib, and returns the URL of a stream. done returns serve's result after
// the connection was closed.
func gortmplibServer(t *testing.T, scheme string, serve func(*gortmplib.ServerConn) error) (url string, done <-chan error) {
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
	return scheme + "://" + l.Addr().String() + "/live/stream", result
}

// overBoth runs a test with and without encryption, since gortmplib's server supports RTMPE of type 6.
func overBoth(t *testing.T, name string, test func(t *testing.T, scheme string)) {
	for _, scheme := range []string{"rtmp", "rtmpe"} {
		t.Run(name+" "+scheme, func(t *testing.T) { test(t, scheme) })
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
	for _, media := range streams(t) {
		for name, publish := range publishers {
			overBoth(t, media.name+" "+name, func(t *testing.T, scheme string) {
				var tracks []*gortmplib.Track
				var got []unit
				url, done := gortmplibServer(t, scheme, func(sc *gortmplib.ServerConn) (err error) {
					assert.True(t, sc.Publish)
					tracks, got, err = readUnits(sc)
					return err
				})
				c, s := open(t, url, true)
				require.NoError(t, publish(s, media))
				require.NoError(t, c.Close())
				require.NoError(t, <-done)
				assertUnits(t, media, tracks, got)
			})
		}
	}
}

// playedBack starts a gortmplib server that sends a stream to a player. It returns like gortmplibServer.
func playedBack(t *testing.T, scheme string, media stream) (url string, done <-chan error) {
	t.Helper()
	return gortmplibServer(t, scheme, func(sc *gortmplib.ServerConn) error {
		assert.False(t, sc.Publish)
		if err := writeUnits(sc, media); err != nil {
			return err
		}
		if err := sc.Write(&gomessage.UserControlStreamEOF{StreamID: 1}); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, sc.RW)
		return err
	})
}

func TestPlayFromGortmplib(t *testing.T) {
	for _, media := range streams(t) {
		overBoth(t, media.name, func(t *testing.T, scheme string) {
			url, done := playedBack(t, scheme, media)
			c, s := open(t, url, false)
			var got []rtmp.Packet
			var metadata []any
			for {
				var p rtmp.Packet
				err := s.ReadPacket(&p)
				if err == io.EOF {
					break
				}
				require.NoError(t, err)
				if p.Type == message.TypeDataAMF0 {
					metadata, err = amf.DecodeAMF0(p.Body)
					require.NoError(t, err)
					continue
				}
				got = append(got, p)
			}
			assertPackets(t, media, got)
			assertHeaders(t, got)
			assertCodecID(t, media.tracks[0].Codec, metadata)
			require.NoError(t, c.Close())
			require.NoError(t, <-done)
		})
	}
}

// assertHeaders parses the headers that gortmplib has written, and checks that encoding them again gives the same bytes.
func assertHeaders(t *testing.T, packets []rtmp.Packet) {
	t.Helper()
	for _, p := range packets {
		var again, data []byte
		var err error
		if p.Type == message.TypeVideo {
			var h flv.VideoHeader
			h, err = flv.ParseVideoHeader(p.Body)
			require.NoError(t, err)
			again, err = flv.AppendVideoHeader(nil, h)
			data = h.Data
		} else {
			var h flv.AudioHeader
			h, err = flv.ParseAudioHeader(p.Body)
			require.NoError(t, err)
			again, err = flv.AppendAudioHeader(nil, h)
			data = h.Data
		}
		require.NoError(t, err)
		require.Equal(t, p.Body, append(again, data...))
	}
}

// assertCodecID checks the first track's codec in the metadata of gortmplib's writer. gortmplib sends "@setDataFrame" before "onMetaData"
// to players too, although it is meant for servers.
func assertCodecID(t *testing.T, codec codecs.Codec, metadata []any) {
	t.Helper()
	name := "audiocodecid"
	if codec.IsVideo() {
		name = "videocodecid"
	}
	require.NotEmpty(t, metadata)
	properties, ok := metadata[len(metadata)-1].(amf.Object)
	require.True(t, ok, "%v", metadata)
	id, _ := properties.Get(name)
	assert.Equal(t, float64(codec.ID()), id)
}
