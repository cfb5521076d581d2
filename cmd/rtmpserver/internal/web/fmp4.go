package web

import (
	"errors"
	"io"
	"net/http"

	"github.com/go-librtmp/rtmp/cmd/rtmpserver/internal/fmp4"
	"github.com/go-librtmp/rtmp/media"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// view sends a viewer fragmented MP4. The Content-Type header contains the codecs. The response ends when the stream ends or its codecs
// change. In the second case the viewer must send another request to get the new codecs.
func (all *feeds) view(w http.ResponseWriter, v *server.View) error {
	if v.Live {
		return all.viewLive(w, v)
	}
	r := media.NewReader(v)
	tracks, err := r.Tracks(v.Request.HTTP.Context())
	if err != nil {
		return refuse(w, err)
	}
	m, err := fmp4.NewMuxer(tracks, false)
	if err != nil {
		return refuse(w, err)
	}
	begin(w, m.ContentType())
	return mux(r, m, func(p fmp4.Piece) error {
		_, err := w.Write(p.Data)
		return err
	})
}

func (all *feeds) viewLive(w http.ResponseWriter, v *server.View) error {
	var first message.Packet
	if err := v.ReadPacket(&first); err != nil { // the stream has not begun
		return refuse(w, err)
	}
	f, sub, err := all.join(v.Request.HTTP.Context(), v.Request.Path)
	if err != nil {
		return err
	}
	defer all.leave(f, sub)
	select {
	case <-f.ready:
	case <-v.Request.HTTP.Context().Done():
		return v.Request.HTTP.Context().Err()
	}
	if f.err != nil {
		return refuse(w, f.err)
	}
	begin(w, f.contentType)
	return v.Relay(w, next(sub))
}

func begin(w http.ResponseWriter, contentType string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

// refuse answers a request for a stream without a track that can be played, and returns err. The codecs are not supported in MP4, the
// stream has ended, all of its media is damaged, or it has no decoder configuration.
func refuse(w http.ResponseWriter, err error) error {
	var unplayable *fmp4.CodecError
	var undecodable *media.Error
	switch {
	case errors.As(err, &unplayable):
		http.Error(w, "Browsers can't play "+unplayable.Codecs+".", http.StatusUnsupportedMediaType)
	case errors.As(err, &undecodable), errors.Is(err, io.EOF):
		http.Error(w, "The stream contains nothing that can be played.", http.StatusUnsupportedMediaType)
	}
	return err
}

// mux writes the output of m for the units of r, until the stream ends or its codecs change. If the stream ends with an error, mux returns
// it after it has written everything.
func mux(r *media.Reader, m *fmp4.Muxer, write func(fmp4.Piece) error) error {
	var unit media.Unit
	for {
		err := r.Read(&unit)
		var damaged *media.Error
		if errors.As(err, &damaged) {
			continue // skip the message: the next one may be audio
		}
		end := err
		var pieces []fmp4.Piece
		if end == nil {
			pieces, err = m.Add(&unit)
		}
		if errors.Is(err, fmp4.ErrChanged) {
			end = io.EOF
		}
		if end != nil {
			pieces, err = m.Flush()
		}
		if err != nil {
			return err
		}
		for _, p := range pieces {
			if err := write(p); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(end, io.EOF):
			return nil
		case end != nil:
			return end
		}
	}
}
