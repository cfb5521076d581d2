package web

import (
	"errors"
	"io"
	"net/http"

	"github.com/go-librtmp/rtmp/cmd/rtmpserver/internal/fmp4"
	"github.com/go-librtmp/rtmp/media"
	"github.com/go-librtmp/rtmp/server"
)

// viewFMP4 sends a viewer fragmented MP4. The header Content-Type contains the codecs. The response ends with the
// stream, or when its codecs change: another request gets the new ones.
func viewFMP4(w http.ResponseWriter, v *server.View) error {
	r := media.NewReader(v)
	tracks, err := r.Tracks(v.Request.HTTP.Context())
	if err != nil {
		return noTracks(w, err)
	}
	m, err := fmp4.NewMuxer(tracks, v.Live)
	var unplayable *fmp4.CodecError
	if errors.As(err, &unplayable) {
		http.Error(w, "Browsers can't play "+unplayable.Codecs+".", http.StatusUnsupportedMediaType)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", m.ContentType())
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	err = mux(w, r, m)
	if errors.Is(err, io.EOF) || errors.Is(err, fmp4.ErrChanged) {
		var b []byte
		if b, err = m.Flush(); err == nil {
			_, err = w.Write(b)
		}
	}
	return err
}

// noTracks answers for a stream without a known track: it has ended, all of its media is damaged, or it lacks the
// configuration of its codec.
func noTracks(w http.ResponseWriter, err error) error {
	var undecodable *media.Error
	if errors.As(err, &undecodable) {
		http.Error(w, "There is nothing in it that can be played.", http.StatusUnsupportedMediaType)
	}
	return err
}

// mux writes units until an error; at the end of the stream that is io.EOF.
func mux(w io.Writer, r *media.Reader, m *fmp4.Muxer) error {
	var unit media.Unit
	for {
		err := r.Read(&unit)
		var damaged *media.Error
		if errors.As(err, &damaged) {
			continue // skip the message: the next may be audio
		}
		if err != nil {
			return err
		}
		b, err := m.Add(&unit)
		if err != nil {
			return err
		}
		if len(b) == 0 {
			continue
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
}
