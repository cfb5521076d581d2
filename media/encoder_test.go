package media_test

import (
	"bytes"
	"context"
	"log"
	"time"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/media"
)

// encoded is what an encoder puts out: pictures with start codes, or sound with ADTS headers.
type encoded struct {
	picture  bool
	pts, dts time.Duration
	data     []byte
}

// newEncoder is an encoder for the examples: it has made a sample of ten seconds.
func newEncoder() (units []encoded) {
	r := media.NewFileReader(flv.NewReader(bytes.NewReader(testserver.Sample)))
	if _, err := r.Tracks(context.Background()); err != nil {
		log.Fatal(err)
	}
	for u := (media.Unit{}); r.Read(&u) == nil; {
		e := encoded{picture: u.Track.IsVideo(), pts: u.PTS, dts: u.DTS}
		if e.picture {
			if u.KeyFrame {
				e.data = media.AppendAnnexB(nil, u.Track.ParameterSets)
			}
			e.data = media.AppendAnnexB(e.data, u.Parts)
		} else {
			config, err := flv.ParseAudioSpecificConfig(u.Track.Config)
			if err == nil {
				e.data, err = media.AppendADTS(nil, config, u.Parts[0])
			}
			if err != nil {
				log.Fatal(err)
			}
		}
		units = append(units, e)
	}
	return units
}

// newServer is a server for the examples.
func newServer() *testserver.Server {
	server, err := testserver.Start(testserver.Config{Files: map[string][]byte{"sample": testserver.Sample}})
	if err != nil {
		log.Fatal(err)
	}
	return server
}

// decoder stands for one that takes H.264 with start codes.
type decoder struct{ pictures, bytes int }

func (d *decoder) decode(picture []byte, _ time.Duration) {
	d.pictures, d.bytes = d.pictures+1, d.bytes+len(picture)
}
