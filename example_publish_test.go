package rtmp_test

import (
	"context"
	"fmt"
	"log"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server/servertest"
)

// Publish the frames of an encoder as they are produced.
func ExampleStream_WritePacket() {
	srv := servertest.NewServer(nil)
	defer srv.Close()
	ctx := context.Background()

	conn, err := rtmp.Dial(ctx, srv.URL("live/camera"), &rtmp.Options{Publish: true})
	if err != nil {
		log.Fatal(err)
	}
	stream, err := conn.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
	if err != nil {
		log.Fatal(err)
	}
	if err := stream.WriteData("onMetaData", map[string]any{"width": 320, "height": 240}); err != nil {
		log.Fatal(err)
	}
	for i := range uint32(3) {
		// Body has the format of the body of an FLV tag. Package media makes such bodies from the access units of an encoder.
		frame := rtmp.Packet{Type: message.TypeVideo, Timestamp: 40 * i, Body: []byte{0x12, byte(i)}}
		if err := stream.WritePacket(&frame); err != nil {
			log.Fatal(err)
		}
	}
	if err := conn.Close(); err != nil {
		log.Fatal(err)
	}
	for _, tag := range srv.Published("live/camera") {
		fmt.Println(tag.Type, tag.Timestamp)
	}
	// Output:
	// script 0
	// video 0
	// video 40
	// video 80
}

// Publish a live source that must not wait for a slow network. If the network is too slow, the send queue drops old pictures.
func ExampleOptions_sendQueue() {
	srv := servertest.NewServer(nil)
	defer srv.Close()
	ctx := context.Background()

	conn, err := rtmp.Dial(ctx, srv.URL("live/camera"), &rtmp.Options{Publish: true, SendQueue: 4 << 20}) // 4 MiB
	if err != nil {
		log.Fatal(err)
	}
	stream, err := conn.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
	if err != nil {
		log.Fatal(err)
	}
	frame := rtmp.Packet{Type: message.TypeVideo, Body: []byte{0x12, 0}}
	if err := stream.WritePacket(&frame); err != nil { // never blocks
		log.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("dropped:", conn.Stats().DroppedMessages)
	// Output: dropped: 0
}
