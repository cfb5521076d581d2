package web

import (
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/server"
)

// list is the answer to /api/streams.
type list struct {
	Now        time.Time    `json:"now"`
	Port       string       `json:"port"` // RTMP port; "" means the default port
	Live       []liveStream `json:"live"`
	Recordings []recording  `json:"recordings"`
}

// liveStream describes a live stream. Publisher is "" if the stream has no publisher.
type liveStream struct {
	Path      string    `json:"path"`
	Publisher string    `json:"publisher"`
	Since     time.Time `json:"since"`
	Viewers   int       `json:"viewers"`
	Missed    uint64    `json:"missed"`  // messages that slow viewers have skipped
	BitRate   float64   `json:"bitRate"` // bits per second in the last one or two seconds
	Video     *video    `json:"video,omitempty"`
	Audio     *audio    `json:"audio,omitempty"`
}

type video struct {
	Codec     string  `json:"codec"`
	Width     int     `json:"width,omitempty"`
	Height    int     `json:"height,omitempty"`
	FrameRate float64 `json:"frameRate,omitempty"`
}

type audio struct {
	Codec      string `json:"codec"`
	SampleRate int    `json:"sampleRate,omitempty"`
	Channels   int    `json:"channels,omitempty"`
}

// describe returns descriptions of a stream's tracks.
func describe(i *flv.Info, frameRate float64) (*video, *audio) {
	var v *video
	var a *audio
	if i.Video.Tags > 0 {
		v = &video{Codec: i.VideoCodec, Width: i.Width, Height: i.Height, FrameRate: frameRate}
	}
	if i.Audio.Tags > 0 {
		a = &audio{Codec: i.AudioCodec, SampleRate: i.SampleRate, Channels: i.Channels}
	}
	return v, a
}

// lister makes lists.
type lister struct {
	server     *server.Server
	recordings *shelf

	mu    sync.Mutex
	rates map[string]*rate // by path
}

func (l *lister) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	body, err := json.Marshal(list{Now: now, Port: l.port(), Live: l.live(now), Recordings: l.recordings.list(now)})
	if err != nil {
		http.Error(w, "no list", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(body)
}

func (l *lister) port() string {
	if _, port, err := net.SplitHostPort(l.server.Addr); err == nil && port != "1935" {
		return port
	}
	return ""
}

// live lists the live streams.
func (l *lister) live(now time.Time) []liveStream {
	l.mu.Lock()
	defer l.mu.Unlock()
	rates := make(map[string]*rate)
	all := []liveStream{}
	for _, st := range l.server.Stats().Streams {
		r := l.rates[st.Path]
		if r == nil || !r.since.Equal(st.Since) { // a different publisher
			r = &rate{since: st.Since, at: st.Since}
		}
		rates[st.Path] = r
		r.add(now, st.BytesIn, st.Info.Video.Packets)
		one := liveStream{Path: st.Path, Publisher: st.Publisher, Since: st.Since, Viewers: st.Players, Missed: st.Missed}
		if st.Publisher != "" {
			one.BitRate = r.bits
		}
		one.Video, one.Audio = describe(&st.Info, r.frames)
		all = append(all, one)
	}
	l.rates = rates
	return all
}

// ratePeriod is the shortest time over which a rate is measured.
const ratePeriod = time.Second

// rate is the bit rate and the frame rate of a publisher, measured between two lists.
type rate struct {
	since  time.Time
	at     time.Time // time at which the counts were read
	bytes  uint64
	count  int64
	bits   float64 // per second
	frames float64 // per second
}

func (r *rate) add(now time.Time, bytes uint64, frames int64) {
	passed := now.Sub(r.at)
	if passed < ratePeriod && r.bytes > 0 || passed <= 0 {
		return
	}
	r.bits = float64(bytes-r.bytes) * 8 / passed.Seconds()
	r.frames = float64(frames-r.count) / passed.Seconds()
	r.at, r.bytes, r.count = now, bytes, frames
}
