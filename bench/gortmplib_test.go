package bench

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
)

// readUnits reads with gortmplib until the connection ends.
func readUnits(conn gortmplib.Conn) (tracks []*gortmplib.Track, got []unit, err error) {
	r := &gortmplib.Reader{Conn: conn}
	if err := r.Initialize(); err != nil {
		return nil, nil, err
	}
	tracks = r.Tracks()
	for i, track := range tracks {
		listen(r, track, func(pts, dts time.Duration, data ...[]byte) {
			got = append(got, unit{track: i, pts: pts, dts: dts, data: data})
		})
	}
	for err == nil {
		err = r.Read()
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return tracks, got, err
}

func listen(r *gortmplib.Reader, track *gortmplib.Track, take func(pts, dts time.Duration, data ...[]byte)) {
	whole := func(pts time.Duration, data []byte) { take(pts, pts, data) }
	nalUnits := func(pts, dts time.Duration, au [][]byte) { take(pts, dts, au...) }
	switch track.Codec.(type) {
	case *codecs.AV1:
		r.OnDataAV1(track, func(pts time.Duration, obus [][]byte) { take(pts, pts, obus[1:]...) }) // without the delimiter
	case *codecs.VP9:
		r.OnDataVP9(track, whole)
	case *codecs.H265:
		r.OnDataH265(track, nalUnits)
	case *codecs.H264:
		r.OnDataH264(track, nalUnits)
	case *codecs.Opus:
		r.OnDataOpus(track, whole)
	case *codecs.FLAC:
		r.OnDataFLAC(track, whole)
	case *codecs.MPEG4Audio:
		r.OnDataMPEG4Audio(track, whole)
	case *codecs.MPEG1Audio:
		r.OnDataMPEG1Audio(track, whole)
	case *codecs.AC3:
		r.OnDataAC3(track, whole)
	case *codecs.G711:
		r.OnDataG711(track, whole)
	case *codecs.LPCM:
		r.OnDataLPCM(track, whole)
	}
}

// writeUnits writes a stream with gortmplib.
func writeUnits(conn gortmplib.Conn, s stream) error {
	w := &gortmplib.Writer{Conn: conn, Tracks: s.tracks}
	if err := w.Initialize(); err != nil {
		return err
	}
	for _, u := range s.units {
		if u.config {
			continue
		}
		if err := writeUnit(w, s.tracks[u.track], u); err != nil {
			return err
		}
	}
	return nil
}

func writeUnit(w *gortmplib.Writer, track *gortmplib.Track, u unit) error {
	switch track.Codec.(type) {
	case *codecs.AV1:
		return w.WriteAV1(track, u.pts, u.data)
	case *codecs.VP9:
		return w.WriteVP9(track, u.pts, u.data[0])
	case *codecs.H265:
		return w.WriteH265(track, u.pts, u.dts, u.data)
	case *codecs.H264:
		return w.WriteH264(track, u.pts, u.dts, u.data)
	case *codecs.Opus:
		return w.WriteOpus(track, u.pts, u.data[0])
	case *codecs.FLAC:
		return w.WriteFLAC(track, u.pts, u.data[0])
	case *codecs.MPEG4Audio:
		return w.WriteMPEG4Audio(track, u.pts, u.data[0])
	case *codecs.MPEG1Audio:
		return w.WriteMPEG1Audio(track, u.pts, u.data[0])
	case *codecs.AC3:
		return w.WriteAC3(track, u.pts, u.data[0])
	case *codecs.G711:
		return w.WriteG711(track, u.pts, u.data[0])
	case *codecs.LPCM:
		return w.WriteLPCM(track, u.pts, u.data[0])
	}
	return fmt.Errorf("unknown codec %T", track.Codec)
}

// assertUnits compares what gortmplib has read with a stream.
func assertUnits(t *testing.T, want stream, tracks []*gortmplib.Track, got []unit) {
	t.Helper()
	assert.Equal(t, want.tracks, tracks)
	require.Len(t, got, len(want.units))
	for i, u := range want.units {
		u.config = false
		require.Equal(t, u, got[i], "unit %d", i)
	}
}

// assertPackets compares what this library has read with a stream.
func assertPackets(t *testing.T, want stream, got []rtmp.Packet) {
	t.Helper()
	require.Len(t, got, len(want.packets))
	for i, p := range want.packets {
		require.Equal(t, p.Type, got[i].Type, "packet %d", i)
		require.Equal(t, p.Timestamp, got[i].Timestamp, "packet %d", i)
		require.Equal(t, p.Body, got[i].Body, "packet %d", i)
	}
}
