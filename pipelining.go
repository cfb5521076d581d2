package rtmp

import (
	"errors"
	"slices"
	"strconv"

	"github.com/go-librtmp/rtmp/handshake"
)

// Pipelining says how many answers of the server are not waited for while connecting: each is a round trip. The stream that
// CreateStream opens by default, which plays Options.Playpath or publishes it, is then asked for by Connect; CreateStream takes
// it over. A program that opens other streams only has no use for more than PipelineNone.
//
// It never fails where PipelineNone works. A server that minds, by refusing what comes before it has accepted connect, by another message stream
// id than expected, by hanging up or by silence, is asked again with the next lower value: on the same connection where that can be done, else
// on a new one. Stats.PipelineFallbacks counts that. So Connect waits for the server's answers.
//
// What has to be known before something else can be said is waited for: the answer to connect, with credentials, MaxRedirects, Token and
// SWF verification; the server's first packet, with RTMPE and SWF verification; everything after connect, with UsherToken.
type Pipelining int

const (
	// PipelineNone is librtmp's order: four round trips to the first media.
	PipelineNone Pipelining = iota
	// PipelineCommands sends connect, createStream and play or publish together, with the end of the handshake: two round trips.
	PipelineCommands
	// PipelineHandshake sends all that with the beginning of the handshake: one round trip. The handshake's last part should
	// repeat what the server sends, but is zeros.
	PipelineHandshake
)

var pipeliningNames = []string{PipelineNone: "none", PipelineCommands: "commands", PipelineHandshake: "handshake"}

// String returns none, commands or handshake.
func (p Pipelining) String() string {
	if p < 0 || int(p) >= len(pipeliningNames) {
		return "Pipelining(" + strconv.Itoa(int(p)) + ")"
	}
	return pipeliningNames[p]
}

// MarshalText returns the name that String does.
func (p Pipelining) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText takes a name that String returns, as for flag.TextVar.
func (p *Pipelining) UnmarshalText(name []byte) error {
	i := slices.Index(pipeliningNames, string(name))
	if i < 0 {
		return errors.New("not none, commands or handshake")
	}
	*p = Pipelining(i)
	return nil
}

// early is when connect leaves.
func (p Pipelining) early() handshake.Early {
	switch p {
	case PipelineCommands:
		return handshake.EarlyAfterS1
	case PipelineHandshake:
		return handshake.EarlyAtOnce
	}
	return handshake.EarlyNone
}
