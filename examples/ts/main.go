// Command ts makes a live stream available to browsers: it plays RTMP and serves HLS with MPEG-TS segments, using
// github.com/bluenviron/gohlslib.
//
//	go run . URL [ADDRESS]        then open http://127.0.0.1:8888/index.m3u8, or that of ADDRESS, with mpv or ffplay
//
// It is a separate module, so that the library does not depend on HLS modules. A copy does not need the replace directive in its go.mod.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gohlslib/v2"
	"github.com/bluenviron/gohlslib/v2/pkg/codecs"

	"github.com/go-librtmp/rtmp/media"
	"github.com/go-librtmp/rtmp/relay"
)

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: ts URL [ADDRESS]")
	}
	address := "127.0.0.1:8888"
	if len(os.Args) > 2 {
		address = os.Args[2]
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var hls atomic.Pointer[gohlslib.Muxer] // the Muxer for the current codecs
	l, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	log.Print("listening on ", l.Addr())
	go func() {
		log.Fatal(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if m := hls.Load(); m != nil {
				m.Handle(w, r)
				return
			}
			http.Error(w, "nothing yet", http.StatusNotFound)
		})))
	}()
	p := &relay.Player{URL: os.Args[1], OnEvent: func(e relay.Event) { log.Print(e) }}
	defer p.Close()
	defer p.Bind(ctx)()
	if err := serve(ctx, p, &hls); ctx.Err() == nil {
		log.Fatal("ts: ", err)
	}
}

// serve produces HLS from src, and starts again when a codec changes.
func serve(ctx context.Context, src media.PacketReader, hls *atomic.Pointer[gohlslib.Muxer]) error {
	r := media.NewReader(src)
	if _, err := r.Tracks(ctx); err != nil {
		return err
	}
	var o *output
	begin := time.Now()
	for u := (media.Unit{}); ; {
		var bad *media.Error
		if err := r.Read(&u); errors.As(err, &bad) { // bad concerns only one message
			log.Print(err)
			continue
		} else if err != nil {
			return err
		}
		if u.Changed {
			tracks, err := r.Tracks(ctx)
			if err != nil {
				return err
			}
			if config := configuration(tracks); o == nil || config != o.config {
				if o, err = newOutput(tracks); err != nil {
					return err
				}
				o.config = config
				if old := hls.Swap(o.muxer); old != nil {
					old.Close()
				}
			}
		}
		if err := o.write(&u, begin.Add(u.DTS)); err != nil {
			log.Print(err)
		}
	}
}

func configuration(tracks []*media.Track) (config string) {
	for _, t := range tracks {
		config += fmt.Sprintf("%v %x\n", t, t.Config)
	}
	return config
}

type output struct {
	muxer  *gohlslib.Muxer
	config string
	tracks map[*media.Track]*gohlslib.Track // the tracks that MPEG-TS can carry
}

func newOutput(tracks []*media.Track) (*output, error) {
	o := &output{muxer: &gohlslib.Muxer{Variant: gohlslib.MuxerVariantMPEGTS}, tracks: make(map[*media.Track]*gohlslib.Track)}
	for _, t := range tracks {
		out := &gohlslib.Track{ClockRate: 90000}
		switch {
		case t.ID != 0: // MPEG-TS gets only the first track of each kind
			continue
		case t.Codec == media.H264:
			out.Codec = &codecs.H264{}
		case t.Codec == media.AAC:
			c := &codecs.MPEG4Audio{}
			if err := c.Config.Unmarshal(t.Config); err != nil {
				return nil, err
			}
			out.Codec = c
		default:
			continue
		}
		o.tracks[t] = out
		o.muxer.Tracks = append(o.muxer.Tracks, out)
	}
	return o, o.muxer.Start()
}

// write passes a copy of the unit to the Muxer, which keeps it for a while.
func (o *output) write(u *media.Unit, when time.Time) error {
	t := o.tracks[u.Track]
	if t == nil {
		return nil
	}
	parts := make([][]byte, len(u.Parts))
	for i, p := range u.Parts {
		parts[i] = slices.Clone(p)
	}
	pts := int64(u.PTS * 9 / 100_000) // 90 kHz
	if u.Track.Codec == media.AAC {
		return o.muxer.WriteMPEG4Audio(t, when, pts, parts)
	}
	if u.KeyFrame { // players begin at key frames
		parts = append(slices.Clone(u.Track.ParameterSets), parts...)
	}
	return o.muxer.WriteH264(t, when, pts, parts)
}
