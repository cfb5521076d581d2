package testserver

import (
	"math"
	"slices"
	"strings"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// invoked serves a command.
func (s *Session) invoked(streamID uint32, cmd message.Command) error {
	s.mu.Lock()
	if len(s.commands) < maxCommands {
		s.commands = append(s.commands, cmd)
	}
	st := s.streams[streamID]
	s.mu.Unlock()
	s.server.cfg.Logger.Debug("test server: command", "name", cmd.Name, "args", cmd.Args)
	switch cmd.Name {
	case "connect":
		return s.connected(cmd)
	case "createStream":
		return s.createStream(cmd)
	case "deleteStream", "closeStream":
		if id, ok := number(cmd.Args, 0); ok {
			streamID = milliseconds(id)
		}
		s.deleteStream(streamID)
		return nil
	case "_result", "_error":
		_, err := s.core.CallAnswered(&cmd, nil)
		return err
	case "releaseStream", "FCPublish", "FCUnpublish", "FCSubscribe", "FCUnsubscribe", "set_playlist":
		return s.announced(cmd)
	case "secureTokenResponse":
		response, _ := text(cmd.Args, 0)
		s.tokenAnswered(response)
		return nil
	case "_checkbw":
		return s.checkBandwidth(cmd)
	case "getStreamLength":
		return s.streamLength(cmd)
	case "play", "publish", "pause", "seek", "receiveAudio", "receiveVideo":
		if st == nil {
			return s.failed(cmd, "no such stream")
		}
		return s.streamCommand(st, cmd)
	}
	return s.call(cmd)
}

// streamCommand serves a command on a message stream.
func (s *Session) streamCommand(st *stream, cmd message.Command) error {
	switch cmd.Name {
	case "play":
		return s.play(st, cmd)
	case "publish":
		return s.publish(st, cmd)
	case "pause":
		on := len(cmd.Args) > 0 && cmd.Args[0] == true
		return s.pause(st, on)
	case "seek":
		ms, _ := number(cmd.Args, 0)
		return s.seek(st, ms)
	}
	return nil // receiveAudio and receiveVideo: everything is sent
}

func (s *Session) connected(cmd message.Command) error {
	s.mu.Lock()
	s.connect = cmd
	s.mu.Unlock()
	cfg := &s.server.cfg
	object, _ := cmd.Object.(amf.Object)
	app, rejection, err := s.authenticate(object)
	if err != nil {
		return err
	}
	if rejection != nil {
		err := s.command(0, "_error", cmd.TransactionID, nil, rejection)
		s.hangUp()
		return err
	}
	s.app, _, _ = strings.Cut(app, "?")
	var refused amf.Object
	if len(cfg.Apps) > 0 && !slices.Contains(cfg.Apps, s.app) {
		refused = message.StatusObject("error", message.CodeConnectInvalidApp, "no application "+app)
	} else if cfg.Refuse != nil {
		refused = cfg.Refuse(cmd)
	}
	if refused != nil {
		return s.command(0, "_error", cmd.TransactionID, nil, refused)
	}
	if err := s.askForPlayer(); err != nil {
		return err
	}
	value, _ := object.Get("objectEncoding")
	encoding, _ := value.(float64)
	info := append(message.StatusObject("status", message.CodeConnectSuccess, "Connection succeeded."), capabilities(object)...)
	info = append(append(info, amf.Property{Name: "objectEncoding", Value: encoding}), s.tokenChallenge()...)
	result, err := commandMessage(0, "_result", cmd.TransactionID,
		amf.Object{{Name: "fmsVer", Value: "FMS/3,5,7,7009"}, {Name: "capabilities", Value: 31.0}, {Name: "mode", Value: 1.0}}, info)
	if err != nil {
		return err
	}
	err = s.Send(session.Control(message.TypeWindowAckSize, message.AppendUint32(nil, cfg.WindowAckSize)),
		session.Control(message.TypeSetPeerBandwidth, message.AppendSetPeerBandwidth(nil, cfg.WindowAckSize, message.LimitDynamic)),
		session.Event(message.EventStreamBegin, 0),
		session.Control(message.TypeSetChunkSize, message.AppendUint32(nil, uint32(cfg.ChunkSize))), result)
	if err == nil && cfg.OnConnect != nil {
		cfg.OnConnect(s)
	}
	return err
}

// capabilities answer a client that knows Enhanced RTMP: the server hands on whatever it gets (E-RTMP v2, connect).
func capabilities(connect amf.Object) amf.Object {
	if _, ok := connect.Get("fourCcList"); !ok {
		return nil
	}
	forward := amf.Object{{Name: "*", Value: 4.0}}
	return amf.Object{{Name: "fourCcList", Value: []any{"*"}}, {Name: "videoFourCcInfoMap", Value: forward},
		{Name: "audioFourCcInfoMap", Value: forward}, {Name: "capsEx", Value: 14.0}} // all but reconnecting
}

func (s *Session) createStream(cmd message.Command) error {
	s.mu.Lock()
	if len(s.streams) >= maxStreams {
		s.mu.Unlock()
		return s.failed(cmd, "too many streams")
	}
	s.lastID++
	id := s.lastID
	s.streams[id] = &stream{id: id}
	s.mu.Unlock()
	return s.command(0, "_result", cmd.TransactionID, nil, float64(id))
}

func (s *Session) deleteStream(id uint32) {
	s.mu.Lock()
	st := s.streams[id]
	delete(s.streams, id)
	s.mu.Unlock()
	if st != nil {
		s.release(st)
	}
}

// announced answers the commands by which clients prepare what they are going to do, and tidy up. Flash Media Server calls
// the client back for some.
func (s *Session) announced(cmd message.Command) error {
	callback, code := "", ""
	switch cmd.Name {
	case "FCPublish":
		callback, code = "onFCPublish", message.CodePublishStart
	case "FCUnpublish":
		callback, code = "onFCUnpublish", message.CodeUnpublishSuccess
	case "FCSubscribe":
		callback, code = "onFCSubscribe", message.CodePlayStart
	case "FCUnsubscribe":
		callback, code = "onFCUnsubscribe", message.CodePlayStop
	case "set_playlist":
		return s.Notify("playlist_ready")
	}
	if cmd.TransactionID != 0 {
		if err := s.command(0, "_result", cmd.TransactionID, nil, amf.Undefined); err != nil {
			return err
		}
	}
	if callback == "" {
		return nil
	}
	name, _ := text(cmd.Args, 0)
	return s.Notify(callback, message.StatusObject("status", code, name))
}

// streamLength answers how long a recording is, in seconds.
func (s *Session) streamLength(cmd message.Command) error {
	if cmd.TransactionID == 0 {
		return nil
	}
	name, _ := text(cmd.Args, 0)
	seconds := 0.0
	if tags, err := s.server.recording(name); err == nil && len(tags) > 0 {
		seconds = float64(tags[len(tags)-1].Timestamp) / 1000
	}
	return s.command(0, "_result", cmd.TransactionID, nil, seconds)
}

// number returns an argument. NaN counts as missing.
func number(args []any, i int) (float64, bool) {
	if i >= len(args) {
		return 0, false
	}
	v, ok := args[i].(float64)
	return v, ok && !math.IsNaN(v)
}

// milliseconds converts a number that may be anything to 32 bits.
func milliseconds(f float64) uint32 { return uint32(max(0, min(f, math.MaxUint32))) }

func text(args []any, i int) (string, bool) {
	if i >= len(args) {
		return "", false
	}
	v, ok := args[i].(string)
	return v, ok
}
