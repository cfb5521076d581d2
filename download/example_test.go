package download_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/go-librtmp/rtmp/download"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// A download that was cut off is continued, over connections that break.
func ExampleFile() {
	server, err := testserver.Start(testserver.Config{
		Files: map[string][]byte{"film": testserver.Sample},
		Fault: func(n int) testserver.Fault { // the first two connections end early
			if n < 2 {
				return testserver.Fault{Action: testserver.Cut, At: 120_000}
			}
			return testserver.Fault{}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	path := filepath.Join(os.TempDir(), "film.flv")
	defer os.Remove(path)
	ctx := context.Background()

	result, err := download.File(ctx, server.URL("vod", "film"), path, nil)
	fmt.Println(result.Outcome, errors.Is(err, io.ErrUnexpectedEOF))

	result, err = download.File(ctx, server.URL("vod", "film"), path, &download.Options{Resume: true, Recover: &download.Recovery{}})
	fmt.Println(result, err)
	fmt.Println(result.Sessions, "connections,", len(result.Splices), "joints")
	// Output:
	// server-closed-early true
	// complete: 260412 bytes, 9.96s of 10.08s <nil>
	// 2 connections, 2 joints
}

func ExampleOptions_progress() {
	server, err := testserver.Start(testserver.Config{Files: map[string][]byte{"film": testserver.Sample}})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	second := 0
	_, err = download.To(context.Background(), server.URL("vod", "film"), io.Discard, &download.Options{
		Progress: func(p *download.Progress) {
			if p.Phase == download.Receiving && int(p.Position.Seconds()) >= second+5 {
				second += 5
				fmt.Println(second, "of", p.Duration)
			}
		},
	})
	fmt.Println(err)
	// Output:
	// 5 of 10.08s
	// 10 of 10.08s
	// <nil>
}
