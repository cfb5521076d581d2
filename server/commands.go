package server

import (
	"errors"
	"io"
	"io/fs"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/live"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// commands serves the commands of a client. Its methods run on the hooks' goroutine, so they may block, write and call hooks.
type commands struct {
	*Conn
	proof   proof
	pending atomic.Int64 // calls of _onbwcheck without an answer
}

// invoked serves a command, except for what the reader must do at once.
func (k *commands) invoked(id uint32, cmd message.Command) {
	switch cmd.Name {
	case "play":
		k.play(id, cmd)
	case "pause", "pauseRaw", "seek", "receiveAudio", "receiveVideo":
		k.controlled(id, cmd)
	case "releaseStream", "FCPublish", "FCUnpublish", "FCSubscribe", "FCUnsubscribe":
		k.announced(cmd)
	case "set_playlist":
		k.command(0, "playlist_ready", 0, nil)
	case "secureTokenResponse":
		k.tokenAnswered(text(cmd.Args, 0))
	case "onStatus":
		k.statusReceived(cmd)
	case "_checkbw":
		k.checkBandwidth(cmd)
	case "getStreamLength":
		k.streamLength(cmd)
	default:
		k.called(cmd)
	}
}

// result answers a command with a _result if it has a transaction id.
func (k *commands) result(cmd message.Command, value any) {
	if cmd.TransactionID != 0 {
		k.command(0, "_result", cmd.TransactionID, nil, value)
	}
}

// failed answers a command with an _error if it has a transaction id.
func (k *commands) failed(cmd message.Command, code, description string) {
	if cmd.TransactionID != 0 {
		k.command(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", code, description))
	}
}

// controlled serves a command that controls playing, such as pause or seek.
func (k *commands) controlled(id uint32, cmd message.Command) {
	st := k.stream(id)
	switch {
	case st == nil:
		k.failed(cmd, message.CodeFailed, "no such stream")
	case st.activity() != nil:
		st.activity().serve(cmd)
	case cmd.Name == "seek":
		st.status("error", message.CodeSeekFailed, "nothing is played")
	}
}

// announced answers the commands with which clients announce that they will publish, and those that they send after publishing. It answers
// some of them by calling the client, as Flash Media Server does.
func (k *commands) announced(cmd message.Command) {
	name := text(cmd.Args, 0)
	callback, code := "", ""
	switch cmd.Name {
	case "FCPublish":
		callback, code = "onFCPublish", message.CodePublishStart
	case "FCUnpublish":
		if k.unpublish(name) {
			callback, code = "onFCUnpublish", message.CodeUnpublishSuccess
		}
	case "FCSubscribe":
		callback, code = "onFCSubscribe", message.CodePlayStart
	case "FCUnsubscribe":
		callback, code = "onFCUnsubscribe", message.CodePlayStop
	}
	k.result(cmd, amf.Undefined)
	if callback != "" {
		k.command(0, callback, 0, nil, message.StatusObject("status", code, name))
	}
}

// unpublish ends the client's publications with a name. It ignores names that other clients publish. It returns false if the server had
// ended one of the publications, for instance because another publisher has taken over: that client must not be told that all is well.
func (k *commands) unpublish(name string) (orderly bool) {
	name, _ = cutName(name)
	orderly = true
	for _, st := range k.allStreams() {
		if p, ok := st.activity().(*publication); ok && p.request.Name == name {
			p.in.end(io.EOF) // the client has ended the stream, so its viewers are not cut off
			st.finish(p)
			orderly = orderly && errors.Is(p.pub.Err(), live.ErrClosed)
		}
	}
	return orderly
}

// checkBandwidth makes the calls of Flash Media Server's bandwidth check, but measures nothing. It ignores clients that leave too many of
// these calls unanswered.
func (k *commands) checkBandwidth(cmd message.Command) {
	k.result(cmd, amf.Undefined)
	if k.pending.Load() >= maxChecks {
		return
	}
	call, err := k.session.NewCall("_onbwcheck", 0)
	if err != nil {
		return
	}
	k.pending.Add(1)
	call.WhenDone(func() {
		k.pending.Add(-1)
		if reply, _ := call.Answer(); reply != nil {
			k.Notify("_onbwdone", 10000, 8, 1, 0) // kilobits per second, kilobits, seconds, latency in ms
		}
	})
	if k.command(0, "_onbwcheck", call.ID, nil, "payload", 1) != nil {
		call.Complete(session.ErrClosed)
	}
}

// streamLength answers getStreamLength with the duration of a file in seconds, or 0 if the file does not exist.
func (k *commands) streamLength(cmd message.Command) {
	seconds := 0.0
	app := k.application()
	if path := k.request(0, text(cmd.Args, 0)).Path; app.Files != nil && app.Handler == nil && !k.foreign(path) {
		d, err := k.server.duration(k.ctx, app.Files, path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			k.log.Debug("rtmp: getStreamLength", "error", err)
		}
		seconds = d.Seconds()
	}
	k.result(cmd, seconds)
}
