package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
	"github.com/go-librtmp/rtmp/server/servertest"
)

// send publishes one key frame. It stands in for OBS or ffmpeg.
func send(ctx context.Context, url string) error {
	conn, err := rtmp.Dial(ctx, url, &rtmp.Options{Publish: true})
	if err != nil {
		return err
	}
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
	if err != nil {
		return err
	}
	if err := stream.WritePacket(&rtmp.Packet{Type: message.TypeVideo, Body: []byte{0x12, 0}}); err != nil {
		return err
	}
	return conn.Close() // Close waits until the server has read everything
}

// Listen on port 1935 and relay live streams of any name.
func ExampleServer_ListenAndServe() {
	srv := &server.Server{}
	log.Fatal(srv.ListenAndServe())
}

// Publish with secret keys. Players use the name of the user instead.
func ExampleApp_publish() {
	users := map[string]string{"secret": "alice"} // by key
	app := &server.App{
		Publish: func(ctx context.Context, r *server.Request) error {
			user, ok := users[r.Name]
			if !ok {
				return server.Deny("unknown stream key")
			}
			r.Path = "live/" + user
			return nil
		},
		Unpublish: func(r *server.Request, st server.StreamStats) { /* log.Print(r.Path, " has ended") */ },
	}
	srv := servertest.NewServer(app) // or (&server.Server{Apps: map[string]*server.App{"live": app}}).ListenAndServe()
	defer srv.Close()
	ctx := context.Background()

	fmt.Println(send(ctx, srv.URL("live/secret")), len(srv.Published("live/alice")))
	var refused *rtmp.StatusError
	if err := send(ctx, srv.URL("live/guess")); errors.As(err, &refused) {
		fmt.Println(refused.Code, refused.Description)
	}
	// Output:
	// <nil> 1
	// NetStream.Publish.Denied unknown stream key
}

// Call methods in both directions: clients call methods of the server, and the server calls methods of its clients.
func ExampleApp_methods() {
	srv := servertest.NewServer(&server.App{Methods: map[string]server.Method{
		"add": server.Func(func(a, b float64) float64 { return a + b }),
		"introduce": server.Func(func(ctx context.Context, name string) error {
			_, err := server.FromContext(ctx).Call(ctx, "greet", "hello, "+name)
			return err
		}),
	}})
	defer srv.Close()
	ctx := context.Background()

	greeting := make(chan string, 1)
	conn, err := rtmp.Dial(ctx, srv.URL("app"), &rtmp.Options{
		BackgroundRead: true,
		Handlers:       map[string]rtmp.HandlerFunc{"greet": rtmp.Func(func(text string) { greeting <- text })},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Println(conn.RemoteMethod("add")(ctx, 1, 2))
	if _, err := conn.RemoteMethod("introduce")(ctx, "Ada"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-greeting)
	// Output:
	// 3 <nil>
	// hello, Ada
}

// Publish a live stream from the program itself, for viewers over HTTP.
func ExampleServer_FLVHandler() {
	srv := &server.Server{}
	defer srv.Close()
	web := httptest.NewServer(srv.FLVHandler()) // http.Handle("/live/", srv.FLVHandler())
	defer web.Close()
	ctx := context.Background()

	publisher, err := srv.Publish(ctx, "live/clock")
	if err != nil {
		log.Fatal(err)
	}
	for n := range uint32(3) {
		if err := publisher.WritePacket(&message.Packet{Type: message.TypeVideo, Timestamp: 40 * n, Body: []byte{0x12, 0}}); err != nil {
			log.Fatal(err)
		}
	}
	response, err := http.Get(web.URL + "/live/clock.flv")
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	var tag flv.Tag
	err = flv.NewReader(response.Body).Next(&tag)
	fmt.Println(response.Status, tag.Type, err)
	// Output: 200 OK video <nil>
}

// toneHandler plays a short tone to every player, and counts the bytes of every publisher.
type toneHandler struct{}

func (toneHandler) ServePlay(ctx context.Context, s *server.Stream) error {
	for n := range uint32(10) {
		sound := &message.Packet{Type: message.TypeAudio, Timestamp: 20 * n, Body: []byte{0x06, 1, 2, 3}}
		if err := s.WritePacket(sound); err != nil {
			return err
		}
	}
	return nil // returning nil ends the stream
}

func (toneHandler) ServePublish(ctx context.Context, s *server.Stream) error {
	_, err := io.Copy(io.Discard, s) // FLV
	return err
}

// Serve streams with a Handler, in place of the relay of live streams and files.
func ExampleHandler() {
	srv := servertest.NewServer(&server.App{Handler: toneHandler{}})
	defer srv.Close()
	ctx := context.Background()

	conn, err := rtmp.Dial(ctx, srv.URL("app/tone"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	var packet rtmp.Packet
	n := 0
	for err = stream.ReadPacket(&packet); err == nil; err = stream.ReadPacket(&packet) {
		if packet.Type == message.TypeAudio {
			n++
		}
	}
	fmt.Println(n, "messages,", err)
	// Output: 10 messages, EOF
}
