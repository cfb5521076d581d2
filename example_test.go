package rtmp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// startServer is a server for the examples: it has a recording, adds numbers, and calls back.
func startServer() *testserver.Server {
	server, err := testserver.Start(testserver.Config{
		Files: map[string][]byte{"sample": testserver.Sample},
		Handlers: map[string]func(*testserver.Session, message.Command) (any, error){
			"add": func(_ *testserver.Session, c message.Command) (any, error) {
				return c.Args[0].(float64) + c.Args[1].(float64), nil
			},
			"greetMe": func(s *testserver.Session, c message.Command) (any, error) {
				return nil, s.Notify("greet", "you")
			},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	return server
}

func ExampleDial() {
	server := startServer()
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
	n, err := io.Copy(io.Discard, stream) // usually a file
	fmt.Println(n, "bytes,", stream.Duration(), err)
	// Output: 260412 bytes, 10.08s <nil>
}

func ExampleConn_RemoteMethod() {
	server := startServer()
	defer server.Close()
	ctx := context.Background()

	conn, err := rtmp.Dial(ctx, server.URL("app", ""), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	add := conn.RemoteMethod("add")
	fmt.Println(add(ctx, 1, 2))
	_, err = conn.RemoteMethod("subtract")(ctx, 1, 2)
	fmt.Println(err)
	// Output:
	// 3 <nil>
	// rtmp: server: NetConnection.Call.Failed: "method subtract is not known"
}

// A server may call as soon as it has accepted the connection: handlers are there in time when they are part of the
// options.
func ExampleOptions_handlers() {
	server := startServer()
	defer server.Close()
	ctx := context.Background()

	greeted := make(chan any)
	conn, err := rtmp.Dial(ctx, server.URL("app", ""), &rtmp.Options{
		BackgroundRead: true,
		Handlers: map[string]rtmp.HandlerFunc{
			"greet": func(ctx context.Context, args []any) (any, error) {
				greeted <- args[0]
				return nil, nil
			},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Call(ctx, "greetMe"); err != nil {
		log.Fatal(err)
	}
	fmt.Println("hello,", <-greeted)
	// Output: hello, you
}

func ExampleStream_ReadPacket() {
	server := startServer()
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
	counts := map[message.Type]int{}
	var p rtmp.Packet
	for err = stream.ReadPacket(&p); err == nil; err = stream.ReadPacket(&p) {
		counts[p.Type]++
	}
	fmt.Println(counts[message.TypeVideo], counts[message.TypeAudio], err)
	// Output: 252 433 EOF
}

func ExampleStream_ReadFrom() {
	server := startServer()
	defer server.Close()
	ctx := context.Background()

	conn, err := rtmp.Dial(ctx, server.URL("live", "mine"), &rtmp.Options{Publish: true})
	if err != nil {
		log.Fatal(err)
	}
	stream, err := conn.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
	if err != nil {
		log.Fatal(err)
	}
	file := bytes.NewReader(testserver.Sample)                       // usually an os.File
	n, err := io.Copy(stream, flv.NewPacedReader(ctx, file, 1e9*20)) // at its own speed, but 20 seconds ahead
	fmt.Println(n, "bytes,", err)
	fmt.Println(conn.Close()) // when the server has read everything
	// Output:
	// 260412 bytes, <nil>
	// <nil>
}

func ExampleFunc() {
	handler := rtmp.Func(func(a, b float64) float64 { return a + b })
	fmt.Println(handler(context.Background(), []any{1.0, 2.0}))
	_, err := handler(context.Background(), []any{1.0, "two"})
	fmt.Println(err)
	// Output:
	// 3 <nil>
	// argument 2: amf: cannot store string in float64 at value: the types do not match
}

func ExampleConn_SharedObject() {
	server := startServer()
	defer server.Close()
	ctx := context.Background()

	conn, err := rtmp.Dial(ctx, server.URL("app", ""), &rtmp.Options{BackgroundRead: true})
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	score, err := conn.SharedObject(ctx, "score", false)
	if err != nil {
		log.Fatal(err)
	}
	if err := score.Set(ctx, "home", 3); err != nil {
		log.Fatal(err)
	}
	fmt.Println(score.Get("home"))
	// Output: 3 true
}

// A server with a certificate of its own authority, reached by TLS.
func ExampleOptions_tls() {
	server, err := testserver.Start(testserver.Config{Scheme: "rtmps", Files: map[string][]byte{"sample": testserver.Sample}})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx := context.Background()

	_, err = rtmp.Dial(ctx, server.URL("vod", "sample"), nil)
	var failed *rtmp.HandshakeError
	fmt.Println(errors.As(err, &failed), failed.Stage)

	conn, err := rtmp.Dial(ctx, server.URL("vod", "sample"), &rtmp.Options{TLSConfig: testserver.ClientTLS()}) // with RootCAs
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Println(conn.Connected())
	// Output:
	// true tls
	// true
}

func ExampleConn_Capabilities() {
	server := startServer()
	defer server.Close()
	conn, err := rtmp.Dial(context.Background(), server.URL("live", "stream"), &rtmp.Options{Publish: true})
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()

	can := conn.Capabilities().VideoSupport(flv.FourCCHEVC)
	fmt.Println("HEVC can be handed on:", can&rtmp.CanForward != 0)
	// Output: HEVC can be handed on: true
}
