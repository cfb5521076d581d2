// Package report defines the result of rtmpprobe, as printed by --json.
package report

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/message"
)

// Report describes the probe of one URL or one capture.
type Report struct {
	URL        string    `json:"url"`                // the URL without secrets, or the name of a capture
	Publish    bool      `json:"publish"`            // the client publishes; otherwise it plays
	Capture    bool      `json:"capture"`            // the session was captured
	Problems   []string  `json:"problems,omitempty"` // what is missing in the capture
	Incomplete bool      `json:"incomplete"`         // a part of the captured session is missing
	Stages     []Stage   `json:"stages"`
	Trips      Trips     `json:"round_trips"`
	Server     Server    `json:"server"`
	Statuses   []Status  `json:"statuses,omitempty"`
	TLS        *TLS      `json:"tls,omitempty"`
	Wire       Wire      `json:"wire"`
	Media      Media     `json:"media"`
	Error      string    `json:"error,omitempty"` // the error that ended the session
	Err        error     `json:"-"`               // the same error
	Since      Duration  `json:"-"`               // time since the session began, while it lasts
	Trials     []Trial   `json:"trials,omitempty"`
	Commands   []Command `json:"commands,omitempty"`
	Findings   []Finding `json:"findings"`
}

// IsRefusal reports whether err is a refusal by the server.
func IsRefusal(err error) bool { return errors.As(err, new(*message.StatusError)) }

// WantsUser reports whether the server has refused connect for lack of valid credentials (authmod adobe and llnw).
func (r *Report) WantsUser() bool { return strings.Contains(r.Error, "authmod=") }

// Stage is one step of connecting.
type Stage struct {
	Name  string   `json:"name"` // one of the constants
	At    Duration `json:"at_ms"`
	Took  Duration `json:"took_ms"`
	Trips int      `json:"round_trips,omitempty"`
	Text  string   `json:"text"`
	Error string   `json:"error,omitempty"`
}

// The stages, in order.
const (
	Name         = "name"
	TCP          = "tcp"
	Proxy        = "proxy"
	TLSHandshake = "tls"
	Tunnel       = "tunnel"
	Handshake    = "handshake"
	Connect      = "connect"
	CreateStream = "createStream"
	Play         = "play"
	Publish      = "publish"
	FirstPacket  = "first packet"
	FirstKey     = "first key frame"
)

// Trips counts round trips until the server had agreed to play or publish.
type Trips struct {
	Count    int      `json:"count"`     // total, including TCP and TLS
	RTT      Duration `json:"rtt_ms"`    // round trip time of the network, if it can be determined
	RTMP     int      `json:"rtmp"`      // round trips of RTMP
	Commands int      `json:"commands"`  // round trips of RTMP with pipelined commands
	Earliest int      `json:"handshake"` // round trips of RTMP with a pipelined handshake as well
	Slow     []string `json:"slow"`      // stages whose answer seems to have waited for a delayed acknowledgement
	Late     []string `json:"late"`      // stages of a capture whose request seems to have waited for one
}

// Server describes the server as it describes itself.
type Server struct {
	Software       string            `json:"software,omitempty"` // a guess from the other fields
	FMSVer         string            `json:"fmsver,omitempty"`
	Capabilities   float64           `json:"capabilities,omitempty"`
	ObjectEncoding float64           `json:"object_encoding"`
	Enhanced       []string          `json:"enhanced,omitempty"` // codecs and extensions of Enhanced RTMP
	Properties     map[string]string `json:"properties,omitempty"`
	Handshake      string            `json:"handshake,omitempty"`
	Version        string            `json:"handshake_version,omitempty"`
}

// Status is an onStatus.
type Status struct {
	At          Duration `json:"at_ms"`
	Code        string   `json:"code"`
	Level       string   `json:"level,omitempty"`
	Description string   `json:"description,omitempty"`
}

// Text returns the code and the description, if there is one.
func (s Status) Text() string {
	if s.Description == "" {
		return s.Code
	}
	return s.Code + ": " + s.Description
}

// TLS describes the connection's encryption and the server's certificate.
type TLS struct {
	Version    string    `json:"version,omitempty"`
	Names      []string  `json:"names,omitempty"`
	Issuer     string    `json:"issuer,omitempty"`
	SelfSigned bool      `json:"self_signed"`
	Expires    time.Time `json:"expires,omitzero"`
	Error      string    `json:"error,omitempty"`
}

// Wire describes the protocol below the media.
type Wire struct {
	Read             uint64  `json:"bytes_read"` // bytes of RTMP; 0 for a capture
	Written          uint64  `json:"bytes_written"`
	ReadRate         float64 `json:"read_bps"` // bits per second, while media was watched
	WrittenRate      float64 `json:"written_bps"`
	MessagesReceived int     `json:"messages_received"`
	MessagesSent     int     `json:"messages_sent"`

	TheirChunks uint32 `json:"their_chunk_size"` // as last announced; 128 until then
	OurChunks   uint32 `json:"our_chunk_size"`
	TheirWindow uint32 `json:"their_window,omitempty"` // bytes after which the server wants an Acknowledgement
	OurWindow   uint32 `json:"our_window,omitempty"`
	Bandwidth   uint32 `json:"peer_bandwidth,omitempty"`
	AcksSent    int    `json:"acks_sent"`
	AcksGot     int    `json:"acks_received"`
	PingsGot    int    `json:"pings_received"`

	Tolerated       map[string]uint64 `json:"tolerated,omitempty"` // number of violations of each kind
	UnknownMessages map[string]int    `json:"unknown_messages,omitempty"`
	Unreadable      int               `json:"unreadable_messages,omitempty"`
}

// Media describes the media while it was watched.
type Media struct {
	For       Duration `json:"watched_ms"`
	First     Duration `json:"first_packet_ms"` // time since the session began; 0 if no media arrived
	FirstKey  Duration `json:"first_key_frame_ms"`
	Video     *Video   `json:"video,omitempty"`
	Audio     *Audio   `json:"audio,omitempty"`
	Metadata  bool     `json:"metadata"`
	Announced bool     `json:"video_announced"` // announced by the metadata
	Scripts   int      `json:"data_messages"`
	Rates     []Rate   `json:"seconds"`

	Pace     float64  `json:"pace"` // media time divided by real time, after the first second: 1 for a live stream; 0 if too short to measure
	Burst    Duration `json:"burst_ms"`
	Stalls   []Gap    `json:"stalls,omitempty"`
	Offset   Duration `json:"audio_offset_ms"` // lead of audio over video sent at the same time, at the end
	Drift    Duration `json:"drift_ms"`        // change of Offset since the beginning
	Jumps    Moments  `json:"time_jumps"`
	Backs    Moments  `json:"time_runs_back"`
	Repeats  Moments  `json:"time_repeats"`
	Ended    bool     `json:"ended"` // the stream ended before the time to watch
	Duration Duration `json:"duration_ms"`
}

// Video describes the default video track.
type Video struct {
	Codec   string   `json:"codec"`
	Profile string   `json:"profile,omitempty"`
	Level   string   `json:"level,omitempty"`
	Width   int      `json:"width,omitempty"`
	Height  int      `json:"height,omitempty"`
	Rate    float64  `json:"frames_per_second"`
	Bits    float64  `json:"bps"`
	Tracks  int      `json:"tracks"`
	Frames  int      `json:"frames"`
	Largest int      `json:"largest_frame"` // bytes
	BFrames bool     `json:"b_frames"`
	Delay   Duration `json:"presentation_delay_ms"` // the longest composition time
	Keys    Keys     `json:"key_frames"`
	Header  Header   `json:"header"`
	Claimed string   `json:"metadata_says,omitempty"` // the metadata's value, if different
}

// Keys describes the key frames.
type Keys struct {
	Count   int      `json:"count"`
	Mean    Duration `json:"mean_distance_ms"`
	Longest Duration `json:"longest_distance_ms"` // including the wait for a key frame that did not arrive
	Bytes   int      `json:"mean_bytes"`
}

// Audio describes the default audio track.
type Audio struct {
	Codec      string   `json:"codec"`
	Profile    string   `json:"profile,omitempty"`
	SampleRate int      `json:"sample_rate,omitempty"`
	Channels   int      `json:"channels,omitempty"`
	Bits       float64  `json:"bps"`
	Tracks     int      `json:"tracks"`
	Frames     int      `json:"frames"`
	Clock      Duration `json:"clock_drift_ms"` // lead of the timestamps over the sample count
	Header     Header   `json:"header"`
}

// Header says whether the decoder configuration has arrived.
type Header struct {
	Needed bool `json:"needed"`
	Count  int  `json:"count"`
	Early  int  `json:"frames_before"` // frames before the first key frame
}

// Rate contains the bit rates during one second of watching.
type Rate struct {
	Video float64 `json:"video_bps"`
	Audio float64 `json:"audio_bps"`
}

// Gap is a period without media.
type Gap struct {
	At   Duration `json:"at_ms"`
	Took Duration `json:"took_ms"`
}

// Moments counts wrong timestamps of one kind.
type Moments struct {
	Count int      `json:"count"`
	At    Duration `json:"first_at_ms"` // time of the first one
	Track string   `json:"of,omitempty"`
	From  Duration `json:"from_ms"`
	To    Duration `json:"to_ms"`
}

// Add counts one wrong timestamp.
func (m *Moments) Add(one Moments) {
	if m.Count == 0 {
		*m = one
	}
	m.Count++
}

// Trial is another way to connect, and its result.
type Trial struct {
	What   string `json:"what"`
	Worked bool   `json:"worked"`
	Text   string `json:"text"`
}

// Command describes how to connect in the same way with another program. Keys are replaced by placeholders.
type Command struct {
	Program string   `json:"program"`
	Lines   []string `json:"lines"`
}

// Grade says how bad a finding is.
type Grade string

// Grades.
const (
	OK      Grade = "ok"
	Note    Grade = "note"
	Warning Grade = "warning"
	Error   Grade = "error"
)

// Finding is a problem, or another fact worth knowing.
type Finding struct {
	ID    string `json:"id"`
	Grade Grade  `json:"grade"`
	Text  string `json:"text"`
	Do    string `json:"do,omitempty"`
}

// Number formats a number of things, such as "3 bytes". one is the singular.
func Number(n int, one string) string {
	if n != 1 {
		one += "s"
	}
	return strconv.Itoa(n) + " " + one
}

// Duration is a duration that is written to JSON in milliseconds.
type Duration time.Duration

// Std returns d as a time.Duration.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// MarshalJSON writes milliseconds, to the microsecond.
func (d Duration) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(time.Duration(d).Microseconds())/1000, 'f', -1, 64), nil
}

// MediaReceived reports whether so many messages were received that the chunk size matters.
func (w Wire) MediaReceived() bool { return w.MessagesReceived > 50 }
