package flv_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
)

// sample returns an FLV file: a second of H.264 with two key frames. Its pictures can't be decoded.
func sample() []byte {
	config := []byte{0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x0a, 0xff, 0xe1, 0, 25, // one SPS of 25 bytes
		0x67, 0x42, 0xc0, 0x0a, 0xa6, 0x11, 0x7b, 0x01, 0x10, 0, 0, 3, 0, 0x10, 0, 0, 3, 3, 0x20, 0xf1, 0x22, 0x61, 0x18, 0, 0,
		1, 0, 4, 0x68, 0xc8, 0x42, 0x01} // one PPS
	metadata, err := flv.AppendScript(nil, "onMetaData", amf.ECMAArray{{Name: "duration", Value: 1.0}})
	if err != nil {
		log.Fatal(err)
	}
	file := flv.AppendFileHeader(nil, flv.FileHeader{HasVideo: true})
	file = flv.AppendTag(file, flv.Tag{Type: flv.TagScript, Body: metadata})
	file = flv.AppendTag(file, flv.Tag{Type: flv.TagVideo, Body: config})
	for n := range uint32(25) {
		first := byte(0x27) // a picture that depends on others
		if n%13 == 0 {
			first = 0x17 // a key frame
		}
		file = flv.AppendTag(file, flv.Tag{Type: flv.TagVideo, Timestamp: 40 * n, Body: []byte{first, 1, 0, 0, 0, 0, 0, 0, 1, 0x65}})
	}
	return file
}

// Summarize the content of a file.
func ExampleInfo() {
	r := flv.NewReader(bytes.NewReader(sample())) // usually an *os.File
	var info flv.Info
	var tag flv.Tag
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
	fmt.Printf("%s, %dx%d, %d frames, %v\n", info.VideoCodec, info.Width, info.Height, info.Video.Packets, info.Duration)
	fmt.Println(&info)
	// Output:
	// H.264, 16x16, 25 frames, 1s
	// video H.264 16x16, 25 packets, 295 bytes, 0s to 960ms; script, 1 packet, 40 bytes, 0s to 0s; duration 1s
}

// List the key frames of a file.
func ExampleReader() {
	r := flv.NewReader(bytes.NewReader(sample())) // usually an *os.File
	var tag flv.Tag
	for {
		err := r.Next(&tag)
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		if kind, track := flv.KindOf(tag); kind == flv.KindKeyFrame {
			fmt.Printf("track %d: %d ms at byte %d\n", track, tag.Timestamp, r.Offset())
		}
	}
	// Output:
	// track 0: 0 ms at byte 128
	// track 0: 520 ms at byte 453
}

// Headers keeps what a player that joins in the middle of a stream needs first.
func ExampleHeaders() {
	r := flv.NewReader(bytes.NewReader(sample())) // usually a live stream
	var headers flv.Headers
	var tag flv.Tag
	for r.Next(&tag) == nil {
		headers.Keep(tag)
	}
	for tag := range headers.All() {
		fmt.Println(tag.Type, len(tag.Body), "bytes")
	}
	// Output:
	// script 40 bytes
	// video 45 bytes
}

// A PacedReader turns a file into a live stream: io.Copy to a stream that publishes takes as long as the file plays.
func ExamplePacedReader() {
	file := bytes.NewReader(sample())                                                            // usually an *os.File
	n, err := io.Copy(io.Discard, flv.NewPacedReader(context.Background(), file, 2*time.Second)) // up to two seconds ahead
	fmt.Println(n, "bytes,", err)
	// Output:
	// 753 bytes, <nil>
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

// Bytes may arrive in pieces of any size, here of ten.
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
