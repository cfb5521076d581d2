// Command publish publishes an encoder's H.264 and AAC as a live stream.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/media"
)

func main() { // publish URL PICTURES.h264 SOUND.aac, files or pipes
	pictures, err := os.Open(os.Args[2])
	check(err)
	sound, err := os.Open(os.Args[3])
	check(err)
	check(publish(context.Background(), os.Args[1], pictures, sound))
}

func publish(ctx context.Context, url string, pictures, sound io.Reader) error {
	conn, err := rtmp.Dial(ctx, url, &rtmp.Options{Publish: true})
	if err != nil {
		return err
	}
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
	if err != nil {
		return err
	}
	video, audio := &media.Track{Codec: media.H264}, &media.Track{Codec: media.AAC, SampleRate: 44100, Channels: 2}
	w := media.NewWriter(stream, video, audio)
	v, a := media.NewAccessUnitScanner(pictures, media.H264), media.NewADTSScanner(sound)
	more, moreSound := v.Scan(), a.Scan()
	for n, m := time.Duration(0), time.Duration(0); more || moreSound; {
		at, soundAt := n*time.Second/25, m*1024*time.Second/44100
		if more && (at <= soundAt || !moreSound) {
			err = w.WriteH264(video, at, at, v.Unit())
			n, more = n+1, v.Scan()
		} else {
			err = w.WriteMPEG4Audio(audio, soundAt, a.Frame())
			m, moreSound = m+1, a.Scan()
		}
		if err != nil {
			return err
		}
	}
	return conn.Close() // waits until the server has received everything
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
