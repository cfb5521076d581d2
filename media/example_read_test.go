package media_test

import (
	"context"
	"fmt"
	"io"
	"log"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/media"
)

// A reader that hands access units to a decoder: a stream becomes H.264 with start codes, with the parameter sets in front.
func Example_read() {
	server := newServer() // yours is rtmp://...
	defer server.Close()
	ctx := context.Background()
	conn, err := rtmp.Dial(ctx, server.URL("vod", "sample"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}

	r := media.NewReader(stream)
	tracks, err := r.Tracks(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range tracks {
		fmt.Printf("%v: %dx%d, %d Hz, %d channels\n", t, t.Width, t.Height, t.SampleRate, t.Channels)
	}
	var d decoder
	var unit media.Unit
	var picture []byte
	for {
		if err := r.Read(&unit); err == io.EOF {
			break
		} else if err != nil {
			log.Fatal(err)
		}
		if unit.Track.Codec != media.H264 {
			continue
		}
		if picture = picture[:0]; unit.KeyFrame { // where a decoder may begin
			picture = media.AppendAnnexB(picture, unit.Track.ParameterSets)
		}
		picture = media.AppendAnnexB(picture, unit.Parts)
		d.decode(picture, unit.PTS)
	}
	fmt.Println(d.pictures, "pictures,", d.bytes, "bytes, to", unit.PTS)
	// Output:
	// video track 0 (H.264): 320x180, 0 Hz, 0 channels
	// audio track 0 (AAC): 0x0, 44100 Hz, 2 channels
	// 250 pictures, 187599 bytes, to 10.065s
}
