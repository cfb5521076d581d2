package main

import (
	"bytes"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

type forever struct{ r *flv.Reader }

func (f *forever) ReadPacket(p *message.Packet) error {
	var tag flv.Tag
	if f.r == nil || f.r.Next(&tag) == io.EOF {
		f.r = flv.NewReader(bytes.NewReader(testserver.Sample))
		if err := f.r.Next(&tag); err != nil {
			return err
		}
	}
	time.Sleep(time.Millisecond)
	*p = message.Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: append(p.Body[:0], tag.Body...)}
	return nil
}

func TestViewer(t *testing.T) {
	o, err := newOutput()
	check(t, err)
	go o.run(new(forever))
	viewer, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	check(t, err)
	defer viewer.Close()
	_, err = viewer.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	check(t, err)
	pictures := make(chan error, 1)
	viewer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for range 20 {
			if _, _, err := track.ReadRTP(); err != nil {
				pictures <- err
				return
			}
		}
		pictures <- nil
	})
	offer, err := viewer.CreateOffer(nil)
	check(t, err)
	gathered := webrtc.GatheringCompletePromise(viewer)
	check(t, viewer.SetLocalDescription(offer))
	<-gathered
	w := httptest.NewRecorder()
	o.whep(w, httptest.NewRequest("POST", "/", strings.NewReader(viewer.LocalDescription().SDP)))
	if w.Code != 201 {
		t.Fatal(w.Code, w.Body)
	}
	check(t, viewer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: w.Body.String()}))
	select {
	case err := <-pictures:
		check(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("no pictures")
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
