package web_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/media"
	"github.com/go-librtmp/rtmp/server"
)

// pictures publishes pictures, each of which contains its number; see number. Every tenth is a key frame.
type pictures struct {
	t     *testing.T
	w     *media.Writer
	track *media.Track
	size  int // size of each in bytes
	n     int // number of pictures that have been written
}

func newPictures(t *testing.T, p *server.Publisher, size int) *pictures {
	track := &media.Track{Codec: media.H264, ParameterSets: [][]byte{
		{0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x01, 0x41, 0xfb, 0x01, 0x6a, 0x02, 0x0c, 0x02, 0x0c, 0x80, 0, 0, 3, 0, 0x80, 0, 0, 0x1e, 0x47, 0x8b, 0x17, 0x24},
		{0x68, 0xcb, 0x83, 0xcb, 0x20}}}
	return &pictures{t: t, w: media.NewWriter(p, track), track: track, size: size}
}

func (p *pictures) write(n int) {
	for range n {
		nalu := make([]byte, p.size)
		if nalu[0] = 0x41; p.n%10 == 0 {
			nalu[0] = 0x65
		}
		binary.BigEndian.PutUint32(nalu[1:], uint32(p.n))
		at := time.Duration(p.n) * 40 * time.Millisecond
		require.NoError(p.t, p.w.WriteH264(p.track, at, at, [][]byte{nalu}))
		p.n++
	}
}

// fragment reads up to the end of the next mdat box.
func fragment(t *testing.T, r io.Reader) (b []byte) {
	t.Helper()
	for kind := ""; kind != "mdat"; {
		head := make([]byte, 8)
		_, err := io.ReadFull(r, head)
		require.NoError(t, err)
		kind = string(head[4:])
		body := make([]byte, int(head[2])<<8+int(head[3])-len(head))
		_, err = io.ReadFull(r, body)
		require.NoError(t, err)
		b = append(append(b, head...), body...)
	}
	return b
}

// TestViewersShareFragments checks that a live stream is muxed only once. A second viewer must receive the same bytes as the first one,
// from the time at which it joins.
func TestViewersShareFragments(t *testing.T) {
	s := serve(t, &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Linger: -1}}}}, "")
	p, err := s.server.Publish(t.Context(), "live/x")
	require.NoError(t, err)
	defer p.Close()
	w := newPictures(t, p, 100)
	w.write(5)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	view := func() *http.Response {
		res, err := client.Get(s.url + "/fmp4/live/x.mp4")
		require.NoError(t, err)
		require.Equal(t, `video/mp4; codecs="avc1.42c01e"`, res.Header.Get("Content-Type"))
		t.Cleanup(func() { res.Body.Close() })
		return res
	}
	first := view()
	w.write(30)
	begun := fragment(t, first.Body)
	for !bytes.Contains(begun, []byte{0x65, 0, 0, 0, 30}) {
		begun = append(begun, fragment(t, first.Body)...)
	}
	late := []*http.Response{view(), view()}
	for _, one := range s.server.Stats().Streams {
		assert.Equal(t, 3, one.Players)
	}
	w.write(20)
	require.NoError(t, p.Close())
	rest, err := io.ReadAll(first.Body)
	require.NoError(t, err)
	whole := append(begun, rest...)
	for _, res := range late {
		got, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		init := bytes.Index(whole, []byte("moof")) - 4
		require.Greater(t, len(got), init)
		assert.Equal(t, whole[:init], got[:init], "the initialization segment")
		assert.True(t, bytes.HasSuffix(whole, got[init:]), "the fragments")
		assert.Contains(t, string(got), string([]byte{0x65, 0, 0, 0, 30}), "from the last key frame on")
	}
}

// TestViewersComeAndGo checks that a viewer receives the stream after all earlier viewers have left.
func TestViewersComeAndGo(t *testing.T) {
	s := serve(t, &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Linger: -1}}}}, "")
	p, err := s.server.Publish(t.Context(), "live/x")
	require.NoError(t, err)
	defer p.Close()
	w := newPictures(t, p, 100)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	for range 3 {
		w.write(12)
		res, err := client.Get(s.url + "/fmp4/live/x.mp4")
		require.NoError(t, err)
		w.write(10)
		assert.Contains(t, string(fragment(t, res.Body)), "moof")
		res.Body.Close()
		assert.Eventually(t, func() bool { return s.server.Stats().Players == 0 }, patience, time.Millisecond)
	}
}

// TestViewersComeWhileOthersGo checks that a viewer receives the stream if it joins while the last other viewer is leaving. This happens
// when a page is reloaded.
func TestViewersComeWhileOthersGo(t *testing.T) {
	s := serve(t, &server.Server{Apps: map[string]*server.App{"*": {Live: server.Live{Linger: -1}}}}, "")
	p, err := s.server.Publish(t.Context(), "live/x")
	require.NoError(t, err)
	defer p.Close()
	w := newPictures(t, p, 100)
	w.write(12)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	viewed := make(chan struct{})
	var viewers sync.WaitGroup
	for range 2 {
		viewers.Go(func() {
			for range 100 {
				res, err := client.Get(s.url + "/fmp4/live/x.mp4")
				if !assert.NoError(t, err) {
					return
				}
				assert.Equal(t, http.StatusOK, res.StatusCode)
				res.Body.Close()
			}
		})
	}
	go func() {
		defer close(viewed)
		viewers.Wait()
	}()
	for {
		select {
		case <-viewed:
			return
		case <-time.After(time.Millisecond):
			w.write(1)
		}
	}
}
