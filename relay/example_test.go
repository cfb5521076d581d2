package relay_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/relay"
	"github.com/go-librtmp/rtmp/server/servertest"
)

// picture is a video message at n times 40 ms, of which every tenth is a key frame.
func picture(n int) *rtmp.Packet {
	body := []byte{0x22, byte(n)} // Sorenson H.263
	if n%10 == 0 {
		body[0] = 0x12
	}
	return &rtmp.Packet{Type: message.TypeVideo, Timestamp: uint32(40 * n), Body: body}
}

// Copy a live stream from one server to another. Run reconnects whenever a connection is lost.
func ExampleRun() {
	camera, viewers := servertest.NewServer(nil), servertest.NewServer(nil) // in place of real servers
	defer camera.Close()
	defer viewers.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // the camera
		p, err := camera.Server().Publish(ctx, "live/1")
		for n := 0; err == nil; n++ {
			err = p.WritePacket(picture(n))
			time.Sleep(time.Millisecond)
		}
	}()
	go func() { // stop after a hundred pictures; a real program runs until it is interrupted
		if err := viewers.Await(ctx, "live/key", 100); err != nil {
			log.Fatal(err)
		}
		cancel()
	}()

	err := relay.Run(ctx, &relay.Player{URL: camera.URL("live/1")},
		&relay.Publisher{URLs: []string{viewers.URL("live/key")}})
	fmt.Println(errors.Is(err, context.Canceled), len(viewers.Published("live/key")) >= 100)
	// Output: true true
}

// Publish a live stream that survives the loss of its connection.
func ExamplePublisher() {
	srv := servertest.NewServer(nil) // in place of a real server
	defer srv.Close()
	srv.Refuse(errors.New("maintenance")) // the first connection fails

	p := &relay.Publisher{
		URLs:    []string{srv.URL("live/key")},
		Backoff: relay.Backoff{Min: time.Millisecond, Max: 10 * time.Millisecond},
		OnEvent: func(e relay.Event) {}, // log.Print(e)
	}
	for n := range 100 {
		if err := p.WritePacket(picture(n)); err != nil { // WritePacket does not block
			log.Fatal(err)
		}
	}
	// A connection begins with the newest key frame, which here is usually picture 90.
	if err := srv.Await(context.Background(), "live/key", 10); err != nil {
		log.Fatal(err)
	}
	kind, _ := flv.KindOf(srv.Published("live/key")[0])
	err := p.Close()
	st := p.Stats()
	fmt.Println(err, kind, st.Failures, st.Sent+st.Dropped)
	// Output: <nil> key frame 1 100
}

// Play a live stream without end. Its timestamps continue after the connection was lost.
func ExamplePlayer() {
	srv := servertest.NewServer(nil) // in place of a real server
	defer srv.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	go func() { // the camera
		p, err := srv.Server().Publish(ctx, "live/camera")
		for n := 0; err == nil; n++ {
			err = p.WritePacket(picture(n))
			time.Sleep(time.Millisecond)
		}
	}()

	p := &relay.Player{URL: srv.URL("live/camera")}
	defer p.Close()
	defer p.Bind(ctx)() // ReadPacket returns when ctx is done
	var packet rtmp.Packet
	for range 20 {
		if err := p.ReadPacket(&packet); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(packet.Type, p.Stats().Delivered)
	// Output: Video 20
}
