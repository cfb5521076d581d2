package rtmp

import (
	"errors"
	"slices"
	"strconv"

	"github.com/go-librtmp/rtmp/handshake"
)

// Pipelining says which commands Connect sends before the server has answered earlier ones. Each answer that Connect need not wait for
// saves a round trip. With pipelining, Connect also requests the stream that CreateStream opens by default, which plays or publishes
// Options.Playpath. CreateStream then takes over that stream. Pipelining is of no use to a program that opens only other streams.
//
// If PipelineNone works with a server, the other values work as well. A server may refuse commands that arrive before it has accepted
// connect, use another message stream id than expected, hang up, or not answer. Connect then tries the next lower value, on the same
// connection if possible and otherwise on a new one. Stats.PipelineFallbacks counts these steps. To notice such a failure, Connect waits
// for the server's answers before it returns.
//
// A server may start the requested stream under the message stream id that Connect has guessed, and yet assign another id. The Stream then
// keeps the guessed id. While it is the only open Stream, it also receives what the server sends with the assigned id.
//
// Some answers are needed before the next command can be sent. With credentials, MaxRedirects, Token or SWF verification, Connect waits for
// the answer to connect. With RTMPE or SWF verification, it waits for the server's first packet. With UsherToken, it requests no stream.
type Pipelining int

const (
	// PipelineNone waits for every answer, as librtmp does: four round trips to the first media.
	PipelineNone Pipelining = iota
	// PipelineCommands sends connect, createStream and play or publish together, with the end of the handshake: two round trips.
	PipelineCommands
	// PipelineHandshake sends the same commands with the beginning of the handshake: one round trip. The last part of the handshake (C2)
	// then consists of zeros, instead of a copy of the server's S1.
	PipelineHandshake
)

var pipeliningNames = []string{PipelineNone: "none", PipelineCommands: "commands", PipelineHandshake: "handshake"}

// String returns "none", "commands" or "handshake".
func (p Pipelining) String() string {
	if p < 0 || int(p) >= len(pipeliningNames) {
		return "Pipelining(" + strconv.Itoa(int(p)) + ")"
	}
	return pipeliningNames[p]
}

// MarshalText returns what String returns.
func (p Pipelining) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText parses what String returns. It allows a Pipelining to be used with flag.TextVar.
func (p *Pipelining) UnmarshalText(name []byte) error {
	i := slices.Index(pipeliningNames, string(name))
	if i < 0 {
		return errors.New("must be none, commands or handshake")
	}
	*p = Pipelining(i)
	return nil
}

// early returns the value for handshake.Config.Early, which says when connect is sent.
func (p Pipelining) early() handshake.Early {
	switch p {
	case PipelineCommands:
		return handshake.EarlyAfterS1
	case PipelineHandshake:
		return handshake.EarlyAtOnce
	}
	return handshake.EarlyNone
}
