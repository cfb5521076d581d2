package media_test

import (
	"context"
	"fmt"
	"log"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/media"
)

// An encoder's publisher: H.264 with start codes and AAC with ADTS headers, as most encoders put them out, become a live stream.
func Example_publish() {
	server := newServer() // yours is rtmp://...
	defer server.Close()
	ctx := context.Background()
	conn, err := rtmp.Dial(ctx, server.URL("live", "camera"), &rtmp.Options{Publish: true})
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
	if err != nil {
		log.Fatal(err)
	}

	video, audio := &media.Track{Codec: media.H264}, &media.Track{Codec: media.AAC}
	w := media.NewWriter(stream, video, audio)
	var nalus [][]byte
	pictures, sounds := 0, 0
	for _, unit := range newEncoder() {
		if unit.picture {
			if nalus, err = media.SplitAnnexB(nalus[:0], unit.data); err != nil {
				log.Fatal(err)
			}
			err = w.WriteH264(video, unit.pts, unit.dts, nalus) // finds SPS and PPS in the first key frame
			pictures++
		} else {
			config, frame, _, adtsErr := media.ParseADTS(unit.data)
			if adtsErr != nil {
				log.Fatal(adtsErr)
			}
			if audio.Config == nil {
				audio.Config, err = flv.AppendAudioSpecificConfig(nil, config)
				if err != nil {
					log.Fatal(err)
				}
			}
			err = w.WriteMPEG4Audio(audio, unit.pts, frame)
			sounds++
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(pictures, "pictures,", sounds, "frames of sound,", w.Close(), stream.Close())
	// Output: 250 pictures, 432 frames of sound, <nil> <nil>
}
