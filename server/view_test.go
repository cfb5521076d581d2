package server_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// viewTags is a ViewFunc that writes tags without a file header.
func viewTags(w http.ResponseWriter, v *server.View) error {
	var p message.Packet
	for {
		if err := v.ReadPacket(&p); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		tag := flv.Tag{Type: flv.TagType(p.Type), Timestamp: p.Timestamp, Body: p.Body}
		if _, err := w.Write(flv.AppendTag(nil, tag)); err != nil {
			return err
		}
	}
}

// views starts an HTTP server with a ViewHandler for names that end in .tags.
func views(t testing.TB, s *server.Server, view server.ViewFunc) string {
	t.Helper()
	w := httptest.NewServer(s.ViewHandler(".tags", "own", view))
	t.Cleanup(func() {
		s.Close()
		w.Close()
	})
	return w.URL
}

func TestViewHandler(t *testing.T) {
	all := sample(t)
	transports := make(chan string, 1)
	s := &server.Server{Apps: map[string]*server.App{"vod": {Files: vodFolder(t)}, "live": {Live: server.Live{Linger: -1},
		Play: func(_ context.Context, r *server.Request) error { transports <- r.Transport; return nil }},
		"silent": {Files: vodFolder(t), Play: func(_ context.Context, r *server.Request) error { r.Path = "vod/film"; return nil },
			Deliver: func(_ *server.Request, p *message.Packet) bool { return p.Type != message.TypeAudio }}}}
	url := views(t, s, func(w http.ResponseWriter, v *server.View) error {
		assert.Equal(t, v.Request.Path == "live/x", v.Live)
		return viewTags(w, v)
	})
	readTags := func(res *http.Response) []flv.Tag {
		require.Equal(t, http.StatusOK, res.StatusCode)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return media(tags(t, append(flv.AppendFileHeader(nil, flv.FileHeader{}), body...)))
	}
	read := func(url string) []flv.Tag { return readTags(view(t, url)) }
	assert.Equal(t, media(all), read(url+"/vod/film.tags"))
	assert.EqualValues(t, 4000, read(url + "/vod/film.tags?start=5")[0].Timestamp)

	pub, err := s.Publish(background(t), "live/x")
	require.NoError(t, err)
	defer pub.Close()
	for _, tag := range all {
		require.NoError(t, pub.WritePacket(&message.Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: tag.Body}))
	}
	res := view(t, url+"/live/x.tags")
	assert.Equal(t, "own", <-transports)
	assert.Equal(t, 1, s.Stats().Players)
	assert.Equal(t, 1, s.Stats().Conns)
	pub.Close()
	got := readTags(res)
	assert.Equal(t, media(all)[len(media(all))-1], got[len(got)-1])
	assert.Zero(t, s.Stats().Conns)
	silent := read(url + "/silent/film.tags")
	assert.NotEmpty(t, silent)
	for _, tag := range silent {
		assert.NotEqual(t, flv.TagAudio, tag.Type)
	}
}

func TestViewHandlerRefusals(t *testing.T) {
	s := &server.Server{Apps: map[string]*server.App{"vod": {Files: vodFolder(t)}, "none": {Live: server.Live{Await: -1}},
		"deny": {Play: func(context.Context, *server.Request) error { return server.Deny("members only") }}}}
	url := views(t, s, func(w http.ResponseWriter, v *server.View) error {
		switch v.Request.Query.Get("how") {
		case "error":
			return errors.New("secret")
		case "deny":
			return server.Deny("not this one")
		}
		assert.False(t, v.Live)
		http.Error(w, "not in this format", http.StatusUnsupportedMediaType)
		return errors.New("is not sent to a client")
	})
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/vod/film.tags":           {415, "not in this format\n"},
		"/vod/film.tags?how=error": {403, "refused\n"},
		"/vod/film.tags?how=deny":  {403, "not this one\n"},
		"/vod/film.flv":            {404, "404 page not found\n"},
		"/none/x.tags":             {404, "404 page not found\n"},
		"/deny/x.tags":             {403, "members only\n"},
	} {
		status, body := get(t, url+path)
		assert.Equal(t, want.status, status, path)
		assert.Equal(t, want.body, string(body), path)
	}
}

func TestViewHandlerHead(t *testing.T) {
	ended := make(chan error, 1)
	s := &server.Server{Apps: map[string]*server.App{"*": {Files: vodFolder(t)}}}
	url := views(t, s, func(w http.ResponseWriter, v *server.View) error {
		w.Header().Set("Content-Type", "video/x-own")
		err := viewTags(w, v)
		ended <- err
		return err
	})
	res, err := http.Head(url + "/vod/film.tags")
	require.NoError(t, err)
	defer http.DefaultClient.CloseIdleConnections()
	res.Body.Close()
	assert.Equal(t, "video/x-own", res.Header.Get("Content-Type"))
	assert.Error(t, waitFor(t, "the end", ended), "nothing is played")
}
