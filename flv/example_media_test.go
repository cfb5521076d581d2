package flv_test

import (
	"fmt"
	"log"
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// Messages in the form of FLV and of Enhanced RTMP have the same methods.
func ExampleParseVideoHeader() {
	for _, body := range [][]byte{
		{0x17, 0, 0, 0, 0, 1, 0x4d, 0x40, 0x1f},                 // H.264, a decoder configuration
		{0x27, 1, 0, 0, 80, 0, 0, 0, 2, 0x41, 0x9a},             // H.264, a picture that depends on others
		{0x93, 'h', 'v', 'c', '1', 0, 0, 0, 2, 0x26, 0x01},      // Enhanced RTMP: H.265, a key frame
		{0x96, 0x01, 'a', 'v', '0', '1', 3, 0x32, 1, 0x10},      // AV1 on track 3
		{0x97, 2, 0, 0, 250, 1, 'v', 'p', '0', '9', 0x82, 0x49}, // VP9, 250 ns later than its timestamp says
		{0xd4, 'h', 'v', 'c', '1', 2, 0, 1, 'x', 5},             // metadata
		{0x91, 'n', 'e', 'w', '1', 1, 2, 3},                     // an unknown codec
	} {
		h, err := flv.ParseVideoHeader(body)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s, track %d: config %t, frame %t, key %t, shown +%d ms +%v, %d bytes\n", h.CodecName(), h.TrackID,
			h.IsSequenceHeader(), h.IsFrame(), h.IsKeyFrame(), h.CompositionTime, h.ModEx.TimestampOffset(), len(h.Data))
	}
	// Output:
	// H.264, track 0: config true, frame false, key false, shown +0 ms +0s, 4 bytes
	// H.264, track 0: config false, frame true, key false, shown +80 ms +0s, 6 bytes
	// H.265, track 0: config false, frame true, key true, shown +0 ms +0s, 6 bytes
	// AV1, track 3: config false, frame true, key true, shown +0 ms +0s, 3 bytes
	// VP9, track 0: config false, frame true, key true, shown +0 ms +250ns, 2 bytes
	// H.265, track 0: config false, frame false, key false, shown +0 ms +0s, 5 bytes
	// new1, track 0: config false, frame true, key true, shown +0 ms +0s, 3 bytes
}

// Write a key frame of H.265 for track 1, which is a second video track.
func ExampleAppendVideoHeader() {
	picture := []byte{0, 0, 0, 2, 0x26, 0x01}
	body, err := flv.AppendVideoHeader(nil, flv.VideoHeader{
		Enhanced:   true,
		FrameType:  flv.FrameKey,
		FourCC:     flv.FourCCHEVC,
		PacketType: flv.VideoCodedFramesX, // no composition time
		Multitrack: true,
		TrackID:    1,
	})
	if err != nil {
		log.Fatal(err)
	}
	body = append(body, picture...)
	fmt.Printf("%x\n", body)
	// Output:
	// 96036876633101000000022601
}

// Audio begins with a configuration, here for stereo.
func ExampleAppendAudioHeader() {
	h := flv.AudioHeader{Enhanced: true, FourCC: flv.FourCCOpus, PacketType: flv.AudioSequenceStart}
	config, err := flv.AppendAudioHeader(nil, h)
	if err != nil {
		log.Fatal(err)
	}
	config, err = flv.AppendOpusHead(config, flv.OpusHead{Channels: 2, PreSkip: 312, InputSampleRate: flv.OpusSampleRate})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%x\n", config)

	h.PacketType = flv.AudioCodedFrames
	frame, err := flv.AppendAudioHeader(nil, h)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%x\n", append(frame, 0xfc))
	// Output:
	// 904f7075734f707573486561640102380180bb0000000000
	// 914f707573fc
}

// One message contains two tracks with different codecs.
func ExampleVideoHeader_Tracks() {
	h := flv.VideoHeader{
		Enhanced: true, FrameType: flv.FrameKey, PacketType: flv.VideoCodedFramesX,
		Multitrack: true, MultitrackType: flv.ManyTracksManyCodecs,
	}
	body, err := flv.AppendVideoHeader(nil, h)
	if err != nil {
		log.Fatal(err)
	}
	for _, track := range []flv.VideoHeader{
		{FourCC: flv.FourCCHEVC, TrackID: 0, Data: []byte{0, 0, 0, 2, 0x26, 0x01}},
		{FourCC: flv.FourCCAV1, TrackID: 1, Data: []byte{0x32, 1, 0x10}},
	} {
		if body, err = h.AppendTrack(body, track); err != nil {
			log.Fatal(err)
		}
	}

	h, err = flv.ParseVideoHeader(body)
	if err != nil {
		log.Fatal(err)
	}
	for track, err := range h.Tracks() {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("track %d: %s, key %t, %d bytes\n", track.TrackID, track.CodecName(), track.IsKeyFrame(), len(track.Data))
	}
	// Output:
	// track 0: H.265, key true, 6 bytes
	// track 1: AV1, key true, 3 bytes
}

func ExampleAppendTimestampOffset() {
	modEx, err := flv.AppendTimestampOffset(nil, 333_333*time.Nanosecond)
	if err != nil {
		log.Fatal(err)
	}
	body, err := flv.AppendAudioHeader(nil, flv.AudioHeader{
		Enhanced: true, FourCC: flv.FourCCOpus, PacketType: flv.AudioCodedFrames, ModEx: modEx,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%x\n", body)
	// Output:
	// 9702051615014f707573
}
