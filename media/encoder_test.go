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

// encoded is one unit of an encoder's output: a picture with start codes, or a frame of audio with an ADTS header.
type encoded struct {
	picture  bool
	pts, dts time.Duration
	data     []byte
}

// newEncoder returns ten seconds of an encoder's output, made from the sample.
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

func newServer() *testserver.Server {
	server, err := testserver.Start(testserver.Config{Files: map[string][]byte{"sample": testserver.Sample}})
	if err != nil {
		log.Fatal(err)
	}
	return server
}
