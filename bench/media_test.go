package bench

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/media"
)

// packetList is a PacketReader that returns the packets of a stream.
type packetList []rtmp.Packet

func (l *packetList) ReadPacket(p *rtmp.Packet) error {
	if len(*l) == 0 {
		return io.EOF
	}
	*p, *l = (*l)[0], (*l)[1:]
	return nil
}

// TestMediaToGortmplib reads streams with media.Reader, publishes the units with media.Writer, and checks what gortmplib reads.
func TestMediaToGortmplib(t *testing.T) {
	for _, want := range streams(t) {
		t.Run(want.name, func(t *testing.T) {
			var tracks []*gortmplib.Track
			var got []unit
			url, done := gortmplibServer(t, "rtmp", func(sc *gortmplib.ServerConn) (err error) {
				tracks, got, err = readUnits(sc)
				return err
			})
			c, s := open(t, url, true)

			packets := packetList(want.packets)
			r := media.NewReader(&packets)
			found, err := r.Tracks(testContext(t))
			require.NoError(t, err)
			w := media.NewWriter(s, found...)
			for u := (media.Unit{}); ; {
				if err = r.Read(&u); err != nil {
					break
				}
				require.NoError(t, w.WriteUnit(&u))
			}
			require.Equal(t, io.EOF, err)
			require.NoError(t, c.Close())
			require.NoError(t, <-done)

			expected := want
			expected.units = nil
			for _, u := range want.units {
				switch want.tracks[u.track].Codec.(type) {
				case *codecs.AV1: // without a delimiter, as in MP4; gortmplib writes one, and the callback in this test removes the first OBU
					u.data = u.data[1:]
				case *codecs.FLAC: // gortmplib 1.0.0 mistakes the marker for STREAMINFO
					require.Len(t, tracks, 1)
					require.IsType(t, &codecs.FLAC{}, tracks[0].Codec)
					expected.tracks = tracks
				}
				if u.config { // sequence headers have the time of the first unit
					u.pts, u.dts = got[0].pts, got[0].dts
				}
				expected.units = append(expected.units, u)
			}
			assertUnits(t, expected, tracks, got)
		})
	}
}

// TestMediaFromGortmplib checks what media.Reader reads from gortmplib's writer.
func TestMediaFromGortmplib(t *testing.T) {
	for _, want := range streams(t) {
		t.Run(want.name, func(t *testing.T) {
			url, done := playedBack(t, "rtmp", want)
			c, s := open(t, url, false)
			r := media.NewReader(s)
			tracks, err := r.Tracks(testContext(t))
			require.NoError(t, err)
			require.Len(t, tracks, len(want.tracks))
			for _, expected := range want.units {
				if expected.config {
					continue
				}
				var u media.Unit
				err := r.Read(&u)
				require.NoError(t, err)
				assert.Equal(t, [2]time.Duration{expected.pts, expected.dts}, [2]time.Duration{u.PTS, u.DTS})
				require.Equal(t, expected.data, asGortmplib(t, &u))
			}
			err = r.Read(new(media.Unit))
			require.True(t, errors.Is(err, io.EOF), err)
			require.NoError(t, c.Close())
			require.NoError(t, <-done)
		})
	}
}

// asGortmplib converts the parts of a unit to gortmplib's form: OBUs without sizes, samples in big-endian order.
func asGortmplib(t *testing.T, u *media.Unit) (parts [][]byte) {
	t.Helper()
	for _, part := range u.Parts {
		var copied []byte
		var err error
		switch u.Track.Codec {
		case media.AV1:
			copied, err = media.AppendOBU(nil, part)
			require.NoError(t, err)
		case media.LPCM:
			for i := 0; i+1 < len(part); i += 2 {
				copied = append(copied, part[i+1], part[i])
			}
		default:
			copied = append(copied, part...)
		}
		parts = append(parts, copied)
	}
	return parts
}
