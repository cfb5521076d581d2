package server

import (
	"errors"
	"io/fs"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// invoked serves a command on the hooks' goroutine.
func (c *Conn) invoked(id uint32, cmd message.Command) {
	switch cmd.Name {
	case "play":
		c.play(id, cmd)
	case "pause", "pauseRaw", "seek", "receiveAudio", "receiveVideo":
		c.controlled(id, cmd)
	case "releaseStream", "FCPublish", "FCUnpublish", "FCSubscribe", "FCUnsubscribe":
		c.announced(cmd)
	case "set_playlist":
		c.command(0, "playlist_ready", 0, nil)
	case "secureTokenResponse":
		c.tokenAnswered(text(cmd.Args, 0))
	case "onStatus":
		c.statusReceived(cmd)
	case "_checkbw":
		c.checkBandwidth(cmd)
	case "getStreamLength":
		c.streamLength(cmd)
	default:
		c.called(cmd)
	}
}

// controlled serves a command that controls playing, such as pause or seek.
func (c *Conn) controlled(id uint32, cmd message.Command) {
	st := c.stream(id)
	switch {
	case st == nil:
		c.failed(cmd, message.CodeFailed, "no such stream")
	case st.activity() != nil:
		st.activity().serve(cmd)
	case cmd.Name == "seek":
		st.status("error", message.CodeSeekFailed, "nothing is played")
	}
}

// announced answers the commands with which clients announce that they will publish, and with which they clean up afterwards. Like Flash
// Media Server, it answers some of them by calling the client.
func (c *Conn) announced(cmd message.Command) {
	name := text(cmd.Args, 0)
	callback, code := "", ""
	switch cmd.Name {
	case "FCPublish":
		callback, code = "onFCPublish", message.CodePublishStart
	case "FCUnpublish":
		c.unpublish(name)
		callback, code = "onFCUnpublish", message.CodeUnpublishSuccess
	case "FCSubscribe":
		callback, code = "onFCSubscribe", message.CodePlayStart
	case "FCUnsubscribe":
		callback, code = "onFCUnsubscribe", message.CodePlayStop
	}
	c.result(cmd, amf.Undefined)
	if callback != "" {
		c.command(0, callback, 0, nil, message.StatusObject("status", code, name))
	}
}

// unpublish ends the client's publications of a name. Names that other clients publish are ignored.
func (c *Conn) unpublish(name string) {
	name, _ = cutName(name)
	for _, st := range c.allStreams() {
		if p, ok := st.activity().(publishing); ok && p.asked().Name == name {
			st.finish(p)
		}
	}
}

// publishing is an activity that publishes.
type publishing interface {
	activity
	publishes()
}

// checkBandwidth makes the calls of Flash Media Server's bandwidth check without measuring anything. It ignores a
// client that leaves too many of them unanswered.
func (c *Conn) checkBandwidth(cmd message.Command) {
	c.result(cmd, amf.Undefined)
	if c.pending.Load() >= maxChecks {
		return
	}
	k, err := c.session.NewCall("_onbwcheck", 0)
	if err != nil {
		return
	}
	c.pending.Add(1)
	k.WhenDone(func() {
		c.pending.Add(-1)
		if reply, _ := k.Answer(); reply != nil {
			c.Notify("_onbwdone", 10000, 8, 1, 0) // kilobits per second, kilobits, seconds, latency in ms
		}
	})
	if c.command(0, "_onbwcheck", k.ID, nil, "payload", 1) != nil && c.session.TakeCall(k.ID) == k {
		k.Complete(nil, session.ErrClosed)
	}
}

// streamLength answers getStreamLength with the duration of a file in seconds, or 0 if the file does not exist.
func (c *Conn) streamLength(cmd message.Command) {
	seconds := 0.0
	app := c.application()
	if path := c.request(0, text(cmd.Args, 0)).Path; app.Files != nil && app.Handler == nil && !c.foreign(path) {
		d, err := c.server.duration(c.ctx, app.Files, path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.log.Debug("rtmp: getStreamLength", "error", err)
		}
		seconds = d.Seconds()
	}
	c.result(cmd, seconds)
}
