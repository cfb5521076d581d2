package bench

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// stream contains the same media twice: in the form of gortmplib's reader and writer, and as messages on the wire.
type stream struct {
	name    string
	tracks  []*gortmplib.Track
	units   []unit
	packets []rtmp.Packet
}

// unit is a frame of a track, or other data that gortmplib passes to the track's callback.
type unit struct {
	track    int // index of stream.tracks
	pts, dts time.Duration
	data     [][]byte
	config   bool // parameter sets of a sequence header: read, but not written
}

// file returns the stream as an FLV file.
func (s *stream) file() []byte {
	file := flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})
	for _, p := range s.packets {
		file = flv.AppendTag(file, flv.Tag{Type: flv.TagType(p.Type), Timestamp: p.Timestamp, Body: p.Body})
	}
	return file
}

// Values of the second byte of AVC and AAC messages (FLV E.4.2.1, E.4.3.1).
const (
	sequenceHeader = 0
	frame          = 1
)

// sample is testserver.Sample, H.264 with B-frames and AAC, without its metadata and its end of sequence: gortmplib
// writes its own metadata, and has no unit for an end of sequence. shift, in milliseconds, is added to all timestamps except those of the
// sequence headers.
func sample(t *testing.T, shift uint32) stream {
	t.Helper()
	tags, err := testserver.Tags(testserver.Sample)
	require.NoError(t, err)
	s := stream{name: fmt.Sprintf("H.264 and AAC from %d", shift), tracks: []*gortmplib.Track{{}, {}}}
	for _, tag := range tags {
		if tag.Type != flv.TagScript && tag.Body[1] != sequenceHeader {
			tag.Timestamp += shift
		}
		dts := time.Duration(tag.Timestamp) * time.Millisecond
		switch {
		case tag.Type == flv.TagAudio && tag.Body[1] == sequenceHeader:
			tag.Body = tag.Body[:4] // gortmplib leaves out the extension with which FFmpeg says that there is no SBR
			var config mpeg4audio.AudioSpecificConfig
			require.NoError(t, config.Unmarshal(tag.Body[2:]))
			s.tracks[1].Codec = &codecs.MPEG4Audio{Config: &config}
		case tag.Type == flv.TagAudio:
			s.units = append(s.units, unit{track: 1, pts: dts, dts: dts, data: [][]byte{tag.Body[2:]}})
		case tag.Type == flv.TagVideo && tag.Body[1] == sequenceHeader:
			config, err := flv.ParseAVCConfig(tag.Body[5:])
			require.NoError(t, err)
			s.tracks[0].Codec = &codecs.H264{SPS: config.SPS[0], PPS: config.PPS[0]}
			s.units = append(s.units, unit{dts: dts, pts: dts, data: [][]byte{config.SPS[0], config.PPS[0]}, config: true})
		case tag.Type == flv.TagVideo && tag.Body[1] == frame:
			pts := dts + time.Duration(binary.BigEndian.Uint32(tag.Body[1:])&0xFFFFFF)*time.Millisecond // never negative in this sample
			s.units = append(s.units, unit{dts: dts, pts: pts, data: nalUnits(t, tag.Body[5:])})
		default:
			continue
		}
		s.packets = append(s.packets, rtmp.Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: tag.Body})
	}
	return s
}

// nalUnits splits a frame at its NAL units' lengths, of four bytes each.
func nalUnits(t *testing.T, frame []byte) (nalus [][]byte) {
	t.Helper()
	for len(frame) > 0 {
		require.Greater(t, len(frame), 4)
		n := int(binary.BigEndian.Uint32(frame))
		require.LessOrEqual(t, n, len(frame)-4)
		nalus = append(nalus, frame[4:4+n])
		frame = frame[4+n:]
	}
	return nalus
}
