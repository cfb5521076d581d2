// Command read writes a stream's pictures to standard output, as NAL units with start codes, for a decoder: read URL | ffplay -f h264 -
package main

import (
	"context"
	"io"
	"log"
	"os"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/media"
)

func main() {
	if err := read(context.Background(), os.Args[1], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func read(ctx context.Context, url string, decoder io.Writer) error {
	conn, err := rtmp.Dial(ctx, url, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	stream, err := conn.CreateStream(ctx, nil)
	if err != nil {
		return err
	}
	r := media.NewReader(stream)
	var picture []byte
	for u := (media.Unit{}); ; {
		if err := r.Read(&u); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if u.Track.Codec != media.H264 {
			continue
		}
		if picture = picture[:0]; u.KeyFrame { // a decoder can begin here
			picture = media.AppendAnnexB(picture, u.Track.ParameterSets)
		}
		picture = media.AppendAnnexB(picture, u.Parts)
		if _, err := decoder.Write(picture); err != nil {
			return err
		}
	}
}
