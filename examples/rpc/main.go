// Command rpc shows calls in both directions and a shared object, between a client and a server in the same program.
//
//	go run ./examples/rpc
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/server"
)

func main() {
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: rpc\nShows calls in both directions and a shared object, between a client and a server in the same program.")
	}
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	log.SetFlags(0)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := run(ctx); err != nil {
		log.Fatal("rpc: ", err)
	}
}

// person is what the server's method "whois" returns.
type person struct {
	Name  string   `amf0:"name"`
	Age   int      `amf0:"age"`
	Roles []string `amf0:"roles"`
}

// app is the application of the server.
var app = &server.App{Methods: map[string]server.Method{
	"add": server.Func(func(a, b float64) float64 { return a + b }),
	"whois": server.Func(func(name string) (person, error) {
		if name != "ada" {
			return person{}, errors.New("no such person")
		}
		return person{Name: "Ada", Age: 36, Roles: []string{"analyst", "author"}}, nil
	}),
	"callMeBack": server.Func(func(ctx context.Context) error {
		call, err := server.FromContext(ctx).Call(ctx, "MyMath.MyMultiply", 6, 7)
		if err != nil {
			return err
		}
		var product float64
		if err := call.Decode(ctx, &product); err != nil {
			return err
		}
		fmt.Printf("the server calls   MyMath.MyMultiply(6, 7), and gets %g\n", product)
		return nil
	}),
}}

func run(ctx context.Context) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &server.Server{Apps: map[string]*server.App{"app": app}}
	go srv.Serve(l)
	defer srv.Close()
	url := "rtmp://" + l.Addr().String() + "/app"

	conn, err := rtmp.Dial(ctx, url, &rtmp.Options{
		BackgroundRead: true,
		Handlers: map[string]rtmp.HandlerFunc{
			"MyMath.MyMultiply": rtmp.Func(func(a, b float64) float64 { return a * b }),
		},
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := callServer(ctx, conn); err != nil {
		return err
	}
	return share(ctx, url, conn)
}

func callServer(ctx context.Context, conn *rtmp.Conn) error {
	sum, err := conn.RemoteMethod("add")(ctx, 1, 2)
	if err != nil {
		return err
	}
	fmt.Printf("the client calls   add(1, 2), and gets %g\n", sum)

	call, err := conn.Call(ctx, "whois", "ada")
	if err != nil {
		return err
	}
	var who person
	if err := call.Decode(ctx, &who); err != nil {
		return err
	}
	fmt.Printf("the client calls   whois(ada), and gets %+v\n", who)

	var refused *rtmp.StatusError
	if _, err := conn.RemoteMethod("whois")(ctx, "bob"); !errors.As(err, &refused) {
		return fmt.Errorf("whois(bob) should have been refused: %w", err)
	}
	fmt.Printf("the client calls   whois(bob), and is refused: %q\n", refused.Description)

	_, err = conn.RemoteMethod("callMeBack")(ctx)
	return err
}

func share(ctx context.Context, url string, conn *rtmp.Conn) error {
	other, err := rtmp.Dial(ctx, url, &rtmp.Options{BackgroundRead: true})
	if err != nil {
		return err
	}
	defer other.Close()
	seen, err := other.SharedObject(ctx, "score", false)
	if err != nil {
		return err
	}
	changes := make(chan rtmp.SharedObjectEvent, 1)
	seen.Handle(func(e rtmp.SharedObjectEvent) { changes <- e })

	score, err := conn.SharedObject(ctx, "score", false)
	if err != nil {
		return err
	}
	if err := score.Set(ctx, "home", 3); err != nil {
		return err
	}
	select {
	case e := <-changes:
		fmt.Printf("one client sets    score.home = 3, and another sees %s = %v\n", e.Name, e.Value)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
