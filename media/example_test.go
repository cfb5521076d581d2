package media_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/media"
	"github.com/go-librtmp/rtmp/server"
	"github.com/go-librtmp/rtmp/server/servertest"
)

// Four pictures of H.264 with start codes, and three frames of AAC with ADTS headers. A real program reads them from an encoder's pipe.
const (
	pictures = "000000016742c00aa6117b011000000300100000030320f12261180000000168c8420194b2000001658882788cc111242c00000001419a1cf5" +
		"000000016742c00aa6117b011000000300100000030320f12261180000000168c8420194b20000016588811e233044490b00000001419a1cf5"
	sound = "fff14c40017ffc01182007fff14c40017ffc01182007fff14c40017ffc01182007"
)

func decode(text string) io.Reader {
	b, err := hex.DecodeString(text)
	if err != nil {
		log.Fatal(err)
	}
	return bytes.NewReader(b)
}

// Publish the output of an encoder, H.264 with start codes and AAC with ADTS headers, as a live stream.
func ExampleWriter() {
	srv := servertest.NewServer(nil) // in place of a real server
	defer srv.Close()
	ctx := context.Background()

	conn, err := rtmp.Dial(ctx, srv.URL("live/camera"), &rtmp.Options{Publish: true})
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
	if err != nil {
		log.Fatal(err)
	}

	video, audio := &media.Track{Codec: media.H264}, &media.Track{Codec: media.AAC, SampleRate: 48000, Channels: 1}
	w := media.NewWriter(stream, video, audio)
	v, a := media.NewAccessUnitScanner(decode(pictures), media.H264), media.NewADTSScanner(decode(sound))
	for n := time.Duration(0); v.Scan(); n++ {
		at := n * time.Second / 25 // a byte stream contains no times
		if err := w.WriteH264(video, at, at, v.Unit()); err != nil {
			log.Fatal(err)
		}
	}
	for n := time.Duration(0); a.Scan(); n++ { // an encoder would interleave audio and video
		if err := w.WriteMPEG4Audio(audio, n*1024*time.Second/48000, a.Frame()); err != nil {
			log.Fatal(err)
		}
	}
	if err := conn.Close(); err != nil { // waits until the server has read everything
		log.Fatal(err)
	}
	var info flv.Info
	for _, tag := range srv.Published("live/camera") {
		info.Add(tag)
	}
	fmt.Println(info.VideoCodec, info.Video.Packets, "pictures,", info.AudioCodec, info.Audio.Packets, "frames")
	// Output: H.264 4 pictures, AAC 3 frames
}

// broadcast publishes the pictures again and again.
func broadcast(publisher *server.Publisher) {
	video := &media.Track{Codec: media.H264}
	w := media.NewWriter(publisher, video)
	for n := time.Duration(0); ; {
		for v := media.NewAccessUnitScanner(decode(pictures), media.H264); v.Scan(); n++ {
			if w.WriteH264(video, n*time.Second/25, n*time.Second/25, v.Unit()) != nil {
				return // the stream has been closed
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// Play a stream and pass its pictures to a decoder, as H.264 with start codes, with the parameter sets before each key frame.
func ExampleReader() {
	srv := servertest.NewServer(nil) // in place of a real server
	defer srv.Close()
	ctx := context.Background()
	publisher, err := srv.Server().Publish(ctx, "live/camera")
	if err != nil {
		log.Fatal(err)
	}
	go broadcast(publisher)

	conn, err := rtmp.Dial(ctx, srv.URL("live/camera"), &rtmp.Options{Live: true})
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
		fmt.Printf("%v: %dx%d\n", t, t.Width, t.Height)
	}
	var unit media.Unit
	var picture []byte
	for range 10 { // a real program reads until Read returns io.EOF
		if err := r.Read(&unit); err != nil {
			log.Fatal(err)
		}
		if picture = picture[:0]; unit.KeyFrame {
			picture = media.AppendAnnexB(picture, unit.Track.ParameterSets)
		}
		picture = media.AppendAnnexB(picture, unit.Parts)
		// decoder.Write(picture)
	}
	fmt.Println(unit.Track.Codec, "key frame or not:", len(picture) > 0)
	// Output:
	// video track 0 (H.264): 16x16
	// H.264 key frame or not: true
}

// Write the AAC in an ADTS stream to an FLV file.
func ExampleNewFileWriter() {
	var file bytes.Buffer // usually an *os.File
	audio := &media.Track{Codec: media.AAC, SampleRate: 48000, Channels: 1}
	w := media.NewFileWriter(flv.NewWriter(&file), audio)
	s := media.NewADTSScanner(decode(sound))
	for at := time.Duration(0); s.Scan(); at += 1024 * time.Second / 48000 {
		if err := w.WriteMPEG4Audio(audio, at, s.Frame()); err != nil {
			log.Fatal(err)
		}
	}
	if err := s.Err(); err != nil {
		log.Fatal(err)
	}

	r := media.NewFileReader(flv.NewReader(&file))
	var unit media.Unit
	for r.Read(&unit) == nil {
		fmt.Println(unit.Track, unit.PTS, len(unit.Parts[0]), "bytes")
	}
	// Output:
	// audio track 0 (AAC) 0s 4 bytes
	// audio track 0 (AAC) 21ms 4 bytes
	// audio track 0 (AAC) 43ms 4 bytes
}
