// Command webrtc shows a live stream in browsers with little delay: it plays RTMP and answers WHEP requests (POST of an SDP offer), using
// github.com/pion/webrtc. See docs/webrtc.md.
//
//	go run . URL [ADDRESS]
//
// It is a separate module, so that the library does not depend on WebRTC modules. A copy does not need the replace directive in its go.mod.
package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/pion/webrtc/v4"
	pionmedia "github.com/pion/webrtc/v4/pkg/media"

	"github.com/go-librtmp/rtmp/media"
	"github.com/go-librtmp/rtmp/relay"
)

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: webrtc URL [ADDRESS]")
	}
	address := "127.0.0.1:8889"
	if len(os.Args) > 2 {
		address = os.Args[2]
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	o, err := newOutput()
	if err != nil {
		log.Fatal("webrtc: ", err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	log.Print("listening on ", l.Addr())
	go func() { log.Fatal(http.Serve(l, http.HandlerFunc(o.whep))) }()
	p := &relay.Player{URL: os.Args[1], OnEvent: func(e relay.Event) { log.Print(e) }}
	defer p.Close()
	defer p.Bind(ctx)()
	if err := o.run(p); ctx.Err() == nil {
		log.Fatal("webrtc: ", err)
	}
}

// output holds the tracks that all viewers receive. Browsers play H.264 without B-frames, and Opus. AAC would have to be transcoded.
type output struct {
	video, audio *webrtc.TrackLocalStaticSample
}

func newOutput() (o output, err error) {
	if o.video, err = webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264}, "video", "rtmp"); err != nil {
		return o, err
	}
	o.audio, err = webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "audio", "rtmp")
	return o, err
}

func (o output) run(src media.PacketReader) error {
	r := media.NewReader(src)
	last := make(map[*media.Track]time.Duration)
	var picture []byte
	for u := (media.Unit{}); ; {
		var bad *media.Error
		if err := r.Read(&u); errors.As(err, &bad) { // bad concerns only one message
			log.Print(err)
			continue
		} else if err != nil {
			return err
		}
		before, known := last[u.Track]
		last[u.Track] = u.DTS
		s := pionmedia.Sample{Duration: u.DTS - before}
		if !known {
			s.Duration = 0
		}
		var err error
		switch u.Track.Codec {
		case media.H264:
			if picture = picture[:0]; u.KeyFrame { // viewers begin at key frames
				picture = media.AppendAnnexB(picture, u.Track.ParameterSets)
			}
			picture = media.AppendAnnexB(picture, u.Parts)
			s.Data = picture
			err = o.video.WriteSample(s)
		case media.Opus:
			s.Data = u.Parts[0]
			err = o.audio.WriteSample(s)
		}
		if err != nil {
			return err
		}
	}
}

// whep answers a viewer's offer.
func (o output) whep(w http.ResponseWriter, r *http.Request) {
	offer, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil || r.Method != http.MethodPost {
		http.Error(w, "POST an SDP offer", http.StatusBadRequest)
		return
	}
	answer, err := o.connect(string(offer))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/sdp")
	w.Header().Set("Location", r.URL.Path)
	w.WriteHeader(http.StatusCreated)
	io.WriteString(w, answer)
}

// connect creates a connection to a viewer, which lasts until the viewer leaves, and returns the answer to the offer.
func (o output) connect(offer string) (answer string, err error) {
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			pc.Close()
		}
	}()
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateFailed || s == webrtc.PeerConnectionStateDisconnected {
			pc.Close()
		}
	})
	for _, track := range []webrtc.TrackLocal{o.video, o.audio} {
		if _, err := pc.AddTrack(track); err != nil {
			return "", err
		}
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	sdp, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(sdp); err != nil {
		return "", err
	}
	<-gathered
	return pc.LocalDescription().SDP, nil
}
