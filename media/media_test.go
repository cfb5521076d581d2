package media

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type recorder struct {
	packets []message.Packet
	next    int
	end     error // returned after the last packet
}

func (r *recorder) WritePacket(p *message.Packet) error {
	kept := *p
	kept.Body = bytes.Clone(p.Body)
	r.packets = append(r.packets, kept)
	return nil
}

// ReadPacket reuses the memory of the body, as a Stream does.
func (r *recorder) ReadPacket(p *message.Packet) error {
	if r.next == len(r.packets) {
		if r.end != nil {
			return r.end
		}
		return io.EOF
	}
	body := append(p.Body[:0], r.packets[r.next].Body...)
	*p = r.packets[r.next]
	p.Body = body
	r.next++
	return nil
}

func (r *recorder) bodies(kind message.Type) (bodies [][]byte) {
	for _, p := range r.packets {
		if p.Type == kind {
			bodies = append(bodies, p.Body)
		}
	}
	return bodies
}

type unit struct {
	track    string
	pts, dts time.Duration
	key      bool
	changed  bool
	parts    [][]byte
}

func keep(u *Unit) unit {
	k := unit{track: u.Track.String(), pts: u.PTS, dts: u.DTS, key: u.KeyFrame, changed: u.Changed}
	for _, p := range u.Parts {
		k.parts = append(k.parts, bytes.Clone(p))
	}
	return k
}

func readAll(t *testing.T, r *Reader) (units []unit) {
	t.Helper()
	for {
		var u Unit
		err := r.Read(&u)
		if err == io.EOF {
			return units
		}
		require.NoError(t, err)
		units = append(units, keep(&u))
	}
}

const ms = time.Millisecond

// Output of x264, x265, libaom and libvpx for pictures of 322x182 pixels.
var (
	avcSets   = parts("674d400ceca0a0cfcf8088000003000800000301 9078a14cb0", "68ebecb2") // 320x180
	avcSets2  = parts("6742c00bd902c4ec0440000003004000000c83c50a92", "68cb83cb20")      // 176x144
	hevcSets  = parts("40010c01ffff01600000030090000003000003003c959809", "42010101600000030090000003000003003ca00a480b9c9596566924caf0168080000003008000000302 84", "4401c172b46240")
	vp9Key    = unhex("824983420014100b560838241c184a00")
	vp9Inter  = unhex("86 00 40 92")
	vp8Key    = unhex("3059009d012a4201b600000708858858")
	av1Key    = parts(sequenceHeader, "3206 1400a0b010b4")
	av1Inter  = parts("3204 3000a0b0")
	flacInfo  = unhex("120012000000780005110bb802f0000012c0ba43705036a3bb057849a9f54f6928a3")
	ac3Frame  = unhex("0b77b50b1e40ebf8403eff99ff0841fc")
	eac3Frame = unhex("0b77037f3f87c00020f8200002004000")
	mp3Frame  = unhex("fffb54c4 0000")
)

func TestHEVCSample(t *testing.T) {
	config, err := H265.configOf(hevcSets, nil)
	require.NoError(t, err)
	var track = Track{Codec: H265}
	_, err = track.configure(config)
	require.NoError(t, err)
	require.Equal(t, 322, track.Width)
}

func TestManyTracksInOneMessage(t *testing.T) {
	h := flv.VideoHeader{Enhanced: true, FrameType: flv.FrameKey, Multitrack: true, MultitrackType: flv.ManyTracksManyCodecs}
	message2 := func(kind flv.VideoPacketType, avc, vp9 []byte) message.Packet {
		h.PacketType = kind
		body, err := flv.AppendVideoHeader(nil, h)
		require.NoError(t, err)
		body, err = h.AppendTrack(body, flv.VideoHeader{FourCC: flv.FourCCAVC, Data: avc})
		require.NoError(t, err)
		body, err = h.AppendTrack(body, flv.VideoHeader{FourCC: flv.FourCCVP9, TrackID: 1, Data: vp9})
		require.NoError(t, err)
		return message.Packet{Type: message.TypeVideo, Body: body}
	}
	config, err := H264.configOf(avcSets, nil)
	require.NoError(t, err)
	r := recorder{packets: []message.Packet{
		message2(flv.VideoSequenceStart, config, nil),
		message2(flv.VideoCodedFrames, AppendAVCC(nil, parts("6588")), vp9Key),
		message2(flv.VideoCodedFrames, unhex("00000009 65"), vp9Key),
	}}
	reader := NewReader(&r)
	var u Unit
	for _, want := range []string{"video track 0 (H.264)", "video track 1 (VP9)", "video track 1 (VP9)"} {
		require.NoError(t, reader.Read(&u))
		assert.Equal(t, want, u.Track.String())
	}
	requireError(t, "video track 0 (H.264): media: length-prefixed NAL units: ends inside a NAL unit of length: 9: unexpected EOF", reader.Read(&u))
	require.Equal(t, io.EOF, reader.Read(&u))
}

func TestFile(t *testing.T) {
	var file bytes.Buffer
	video := &Track{Codec: H264, ParameterSets: avcSets}
	w := NewFileWriter(flv.NewWriter(&file), video)
	require.Empty(t, file.Bytes(), "nothing before the first unit or WriteHeaders")
	require.NoError(t, w.WriteHeaders())
	require.NotEmpty(t, file.Bytes())
	require.NoError(t, w.WriteH264(video, 0, 0, parts("6588")))
	require.NoError(t, w.Close())
	assert.Equal(t, flv.AppendFileHeader(nil, flv.FileHeader{HasVideo: true}), file.Bytes()[:13])
	reader := NewFileReader(flv.NewReader(&file))
	tracks, err := reader.Tracks(context.Background())
	require.NoError(t, err)
	require.Len(t, tracks, 1)
	assert.Len(t, readAll(t, reader), 1)

	_, err = NewFileReader(flv.NewReader(bytes.NewReader([]byte("RIFF.....")))).Tracks(context.Background())
	var e *flv.Error
	require.ErrorAs(t, err, &e)
}
