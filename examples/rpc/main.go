// Command rpc shows calls in both directions and a shared object, with its own server on a loopback port.
//
//	go run ./examples/rpc
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func main() {
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: rpc\nShows calls in both directions and a shared object, with its own server.")
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

func run(ctx context.Context) error {
	server, err := testserver.Start(testserver.Config{Handlers: map[string]func(*testserver.Session, message.Command) (any, error){
		"add": served(func(a, b float64) float64 { return a + b }),
		"whois": served(func(name string) (person, error) {
			if name != "ada" {
				return person{}, errors.New("no such person")
			}
			return person{Name: "Ada", Age: 36, Roles: []string{"analyst", "author"}}, nil
		}),
		"callMeBack": func(s *testserver.Session, call message.Command) (any, error) {
			_, err := s.Call("MyMath.MyMultiply", 6, 7) // the client prints the answer
			return nil, err
		},
	}})
	if err != nil {
		return err
	}
	defer server.Close()

	called := make(chan struct{})
	conn, err := rtmp.Dial(ctx, server.URL("app", ""), &rtmp.Options{
		BackgroundRead: true,
		Handlers: map[string]rtmp.HandlerFunc{
			"MyMath.MyMultiply": rtmp.Func(func(a, b float64) float64 {
				fmt.Printf("the server calls   MyMath.MyMultiply(%g, %g), and gets %g\n", a, b, a*b)
				close(called)
				return a * b
			}),
		},
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := callServer(ctx, conn, called); err != nil {
		return err
	}
	return share(ctx, server, conn)
}

// served makes a server method from a function. A call whose arguments don't fit is answered with an error.
func served(fn any) func(*testserver.Session, message.Command) (any, error) {
	handler := rtmp.Func(fn)
	return func(_ *testserver.Session, call message.Command) (any, error) {
		return handler(context.Background(), call.Args)
	}
}

func callServer(ctx context.Context, conn *rtmp.Conn, called <-chan struct{}) error {
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

	if _, err := conn.RemoteMethod("callMeBack")(ctx); err != nil {
		return err
	}
	select {
	case <-called:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func share(ctx context.Context, server *testserver.Server, conn *rtmp.Conn) error {
	other, err := rtmp.Dial(ctx, server.URL("app", ""), &rtmp.Options{BackgroundRead: true})
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
