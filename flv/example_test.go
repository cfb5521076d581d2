package flv_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
)

// What is in a file?
func ExampleReader() {
	f, err := os.Open("../internal/testserver/sample.flv")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()

	var info flv.Info
	var tag flv.Tag
	r := flv.NewReader(f)
	for {
		err := r.Next(&tag)
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		info.Add(tag)
	}
	fmt.Printf("%s, %dx%d, %d frames\n", info.VideoCodec, info.Width, info.Height, info.Video.Packets)
	fmt.Printf("%s, %d Hz, %d channels\n", info.AudioCodec, info.SampleRate, info.Channels)
	fmt.Println(info.Duration)
	// Output:
	// H.264, 320x180, 250 frames
	// AAC, 44100 Hz, 2 channels
	// 10.08s
}

func ExampleWriter() {
	var file bytes.Buffer
	w := flv.NewWriter(&file)
	if err := w.WriteHeader(flv.FileHeader{HasAudio: true}); err != nil {
		log.Fatal(err)
	}
	metadata, err := flv.AppendScript(nil, "onMetaData", amf.ECMAArray{{Name: "duration", Value: 0.02}})
	if err != nil {
		log.Fatal(err)
	}
	for _, tag := range []flv.Tag{
		{Type: flv.TagScript, Body: metadata},
		{Type: flv.TagAudio, Timestamp: 20, Body: []byte{0x2e, 0xff, 0xfb}},
	} {
		if err := w.WriteTag(tag); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Printf("%x\n", file.Bytes()[:flv.FileHeaderSize])
	fmt.Println(file.Len(), "bytes")
	// Output:
	// 464c5601040000000900000000
	// 86 bytes
}

// Bytes come in pieces of any size, here of ten.
func ExampleParser() {
	stream := flv.AppendFileHeader(nil, flv.FileHeader{HasVideo: true})
	stream = flv.AppendTag(stream, flv.Tag{Type: flv.TagVideo, Timestamp: 40, Body: []byte{0x17, 2, 0, 0, 0}})
	stream = flv.AppendTag(stream, flv.Tag{Type: flv.TagAudio, Timestamp: 46, Body: []byte{0xaf, 1, 0x21}})

	var p flv.Parser
	var tag flv.Tag
	for len(stream) > 0 {
		piece := stream[:min(10, len(stream))]
		stream = stream[len(piece):]
		for {
			n, ok, err := p.Parse(piece, &tag)
			if err != nil {
				log.Fatal(err)
			}
			if !ok {
				break
			}
			fmt.Println(tag.Type, tag.Timestamp, tag.Body)
			piece = piece[n:]
		}
	}
	fmt.Println(p.End())
	// Output:
	// video 40 [23 2 0 0 0]
	// audio 46 [175 1 33]
	// <nil>
}
