package rtmp_test

import (
	"context"
	"fmt"
	"log"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/server"
	"github.com/go-librtmp/rtmp/server/servertest"
)

func ExampleConn_RemoteMethod() {
	srv := servertest.NewServer(&server.App{Methods: map[string]server.Method{
		"add": server.Func(func(a, b float64) float64 { return a + b }),
	}})
	defer srv.Close()
	ctx := context.Background()

	conn, err := rtmp.Dial(ctx, srv.URL("app"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Println(conn.RemoteMethod("add")(ctx, 1, 2))
	_, err = conn.RemoteMethod("subtract")(ctx, 1, 2)
	fmt.Println(err)
	// Output:
	// 3 <nil>
	// rtmp: server: NetConnection.Call.Failed: "method subtract is not known"
}

// Set handlers in the options, since a server may call as soon as it has accepted the connection.
func ExampleOptions_handlers() {
	srv := servertest.NewServer(&server.App{Connected: func(c *server.Conn) { c.Notify("greet", "you") }})
	defer srv.Close()

	greeted := make(chan any)
	conn, err := rtmp.Dial(context.Background(), srv.URL("app"), &rtmp.Options{
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
	fmt.Println("hello,", <-greeted)
	// Output: hello, you
}

// Wait for a single call of the server. Nothing reads from the connection before WaitInvoke, so the call can't be missed.
func ExampleConn_WaitInvoke() {
	srv := servertest.NewServer(&server.App{Methods: map[string]server.Method{
		"start": func(_ context.Context, c *server.Conn, _ []any) (any, error) { return nil, c.Notify("ready", "go") },
	}})
	defer srv.Close()
	ctx := context.Background()

	conn, err := rtmp.Dial(ctx, srv.URL("app"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Call(ctx, "start"); err != nil {
		log.Fatal(err)
	}
	args, err := conn.WaitInvoke(ctx, "ready")
	fmt.Println(args, err)
	// Output: [go] <nil>
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
	srv := servertest.NewServer(nil)
	defer srv.Close()
	ctx := context.Background()

	conn, err := rtmp.Dial(ctx, srv.URL("app"), &rtmp.Options{BackgroundRead: true})
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
