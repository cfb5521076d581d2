package capture_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"github.com/go-librtmp/rtmp/capture"
	"github.com/go-librtmp/rtmp/message"
)

// List the commands of a session.
func ExampleOpen() {
	f, err := capture.Open("session.rtmpcap")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	for _, s := range f.Sessions() {
		fmt.Println(s.Info().Server, s.Duration())
		r := s.Reader()
		var m capture.Message
		for r.Next(&m) == nil {
			if cmd, err := message.ParseCommand(m.Type, m.Body); err == nil {
				fmt.Println(m.At, m.From, cmd.Name, cmd.Args)
			}
		}
	}
}

// Serve a recorded session to a client that had a problem with the recorded server.
func ExampleServer() {
	f, err := capture.Open("session.rtmpcap")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	l, err := net.Listen("tcp", "localhost:1935")
	if err != nil {
		log.Fatal(err)
	}
	server := &capture.Server{Sessions: f.Sessions(), Replay: capture.Replay{Speed: 1}}
	log.Fatal(server.Serve(context.Background(), l))
}

// Send the messages of a recorded client to a server that had a problem with the client.
func ExampleClient() {
	f, err := capture.Open("session.rtmpcap")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	nc, err := net.Dial("tcp", "localhost:1935")
	if err != nil {
		log.Fatal(err)
	}
	client := capture.Client{Session: f.Sessions()[0]}
	if err := client.Run(context.Background(), nc); err != nil {
		log.Fatal(err)
	}
}
