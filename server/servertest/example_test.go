package servertest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
	"github.com/go-librtmp/rtmp/server/servertest"
)

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
	for n := range uint32(3) {
		if err := stream.WritePacket(&rtmp.Packet{Type: message.TypeVideo, Timestamp: 40 * n, Body: []byte{0x12, 0}}); err != nil {
			return err
		}
	}
	return conn.Close() // Close waits until the server has read everything
}

// Test a program that publishes. In a _test.go file this would be TestUpload.
func ExampleNew() {
	testUpload := func(t *testing.T) {
		srv := servertest.New(t, nil)
		if err := send(context.Background(), srv.URL("live/key")); err != nil {
			t.Fatal(err)
		}
		tags := srv.Published("live/key")
		if len(tags) != 3 || tags[2].Type != flv.TagVideo || tags[2].Timestamp != 80 {
			t.Fatalf("published: %v", tags)
		}
	}
	_ = testUpload
}

// Inspect the published streams and the calls.
func ExampleServer() {
	srv := servertest.NewServer(nil)
	defer srv.Close()

	fmt.Println(send(context.Background(), srv.URL("live/key")))
	for _, tag := range srv.Published("live/key") {
		fmt.Println(tag.Type, tag.Timestamp)
	}
	fmt.Println(srv.Calls("publish")[0].Args)
	// Output:
	// <nil>
	// video 0
	// video 40
	// video 80
	// [key live]
}

// Test what a program does if the server refuses a connection, or if a connection is lost.
func ExampleServer_Refuse() {
	srv := servertest.NewServer(nil)
	defer srv.Close()
	ctx := context.Background()

	srv.Refuse(&server.Refusal{Description: "closed for today"})
	var refused *rtmp.StatusError
	if err := send(ctx, srv.URL("live/key")); errors.As(err, &refused) {
		fmt.Println(refused.Description)
	}
	srv.CutAfter(3500) // in bytes; in the middle of connecting
	fmt.Println(errors.Is(send(ctx, srv.URL("live/key")), io.ErrUnexpectedEOF))
	// Output:
	// closed for today
	// true
}
