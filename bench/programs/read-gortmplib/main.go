// Command read-gortmplib does the same as read, with gortmplib.
package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net/url"
	"os"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

func main() {
	if err := read(context.Background(), os.Args[1], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func read(ctx context.Context, rawURL string, decoder io.Writer) error {
	u, err := url.Parse(rawURL)
	if err != nil {
		return err
	}
	c := &gortmplib.Client{URL: u}
	if err := c.Initialize(ctx); err != nil {
		return err
	}
	defer c.Close()
	r := &gortmplib.Reader{Conn: c}
	if err := r.Initialize(); err != nil {
		return err
	}
	var failed error
	for _, track := range r.Tracks() {
		switch track.Codec.(type) {
		case *codecs.H264:
			r.OnDataH264(track, func(_, _ time.Duration, au [][]byte) { // changed parameter sets arrive as a unit of their own
				b, err := h264.AnnexB(au).Marshal()
				if err == nil {
					_, err = decoder.Write(b)
				}
				failed = errors.Join(failed, err)
			})
		case *codecs.MPEG4Audio: // Read panics for a track without a callback, so this program does not support other codecs
			r.OnDataMPEG4Audio(track, func(time.Duration, []byte) {})
		}
	}
	for failed == nil {
		c.NetConn().SetReadDeadline(time.Now().Add(10 * time.Second))
		if err := r.Read(); err != nil {
			return err // gortmplib does not distinguish the end of the stream from a lost connection
		}
	}
	return failed
}
