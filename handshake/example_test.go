package handshake_test

import (
	"fmt"
	"net"
	"time"

	"github.com/go-librtmp/rtmp/handshake"
)

// This example runs both halves over a pipe. Set a deadline before a handshake, since this package waits without limit.
func Example() {
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	client.SetDeadline(time.Now().Add(30 * time.Second))

	served := make(chan error)
	go func() {
		_, err := handshake.Server(server, handshake.Config{})
		served <- err
	}()

	res, err := handshake.Client(client, handshake.Config{Digest: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("digest:", res.Digest, "scheme:", res.Scheme, "server's error:", <-served)
	// Output: digest: true scheme: digest first server's error: <nil>
}
