package rtmp_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
	"github.com/go-librtmp/rtmp/server/servertest"
)

// Handle a refusal by the server. The connection stays usable.
func ExampleStatusError() {
	srv := servertest.NewServer(&server.App{Live: server.Live{Await: -1}}) // the server does not wait for publishers
	defer srv.Close()
	ctx := context.Background()

	conn, err := rtmp.Dial(ctx, srv.URL("live/nothing"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	_, err = conn.CreateStream(ctx, nil)
	var refused *rtmp.StatusError
	if errors.As(err, &refused) && refused.Code == message.CodePlayStreamNotFound {
		fmt.Println("no such stream; connected:", conn.Connected())
	}
	// Output: no such stream; connected: true
}

// Handle a failure to connect. Stage says which step has failed.
func ExampleHandshakeError() {
	srv := servertest.NewServer(nil)
	defer srv.Close()

	_, err := rtmp.Dial(context.Background(), srv.TLSURL("live/stream"), nil) // the certificate is not trusted
	var failed *rtmp.HandshakeError
	if errors.As(err, &failed) {
		fmt.Println(failed.Stage)
	}
	// Output: tls
}
