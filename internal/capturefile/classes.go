package capturefile

import "strconv"

// class says how much of a text is replaced.
type class uint8

const (
	classSecret class = iota // everything
	classKey                 // a publishing name: everything but the form of its query
	className                // the name of a stream: the values of its query
	classText                // known secrets, and in URLs users, passwords and queries
	classPlain               // nothing
)

// known holds the commands whose arguments a redactor knows.
var known = map[string]bool{
	"connect": true, "createStream": true, "deleteStream": true, "closeStream": true, "publish": true, "play": true, "play2": true,
	"pause": true, "pauseRaw": true, "seek": true, "receiveAudio": true, "receiveVideo": true, "FCPublish": true, "FCUnpublish": true,
	"releaseStream": true, "FCSubscribe": true, "FCUnsubscribe": true, "getStreamLength": true, "set_playlist": true, "initStream": true,
	"onStatus": true, "onFCPublish": true, "onFCUnpublish": true, "onFCSubscribe": true, "onFCUnsubscribe": true, "onBWDone": true,
	"_onbwcheck": true, "_onbwdone": true, "_checkbw": true, "close": true, "ping": true, "pong": true,
}

// connectFields are the properties of connect's command object (section 7.2.1.1, and Enhanced RTMP) that may be
// shown.
var connectFields = map[string]class{
	"app": classText, "tcUrl": classText, "swfUrl": classText, "pageUrl": classText,
	"flashVer": classText, "flashver": classText, "type": classPlain, "objectEncoding": classPlain,
	"fourCcList": classPlain, "videoFourCcInfoMap": classPlain, "audioFourCcInfoMap": classPlain,
}

// infoFields are the properties of a server's information objects that may be shown. They include challenges, which
// reveal nothing without the answer.
var infoFields = map[string]class{
	"level": classPlain, "code": classPlain, "description": classText, "details": classText, "reason": classText,
	"redirect": classText, "tcUrl": classText, "url": classText, "fmsVer": classText, "version": classText, "mode": classPlain,
	"type": classPlain, "objectEncoding": classPlain, "secureToken": classPlain, "clientid": classPlain, "clientId": classPlain,
	"server": classText, "product": classText, "vendor": classText, "srs_server": classText, "srs_version": classText, "srs_sig": classText,
	"fourCcList": classPlain, "reconnectRequest": classText, "message": classText,
}

// classify returns the class of a text in a command. at.arg is 0 for the name, 1 for the transaction id and 2 for the
// command object.
func classify(from Direction, command string, at place) class {
	if from == FromServer {
		return classifyAnswer(command, at)
	}
	switch {
	case command == "connect" && at.arg == 2:
		return connectFields[at.key]
	case command == "play2" && (at.key == "streamName" || at.key == "oldStreamName"), command == "set_playlist":
		return className
	case command == "play2" && at.key == "transition":
		return classPlain
	case at.key != "":
		return classSecret
	}
	switch command {
	case "publish":
		if at.arg == 3 {
			return classKey
		}
		if at.arg == 4 {
			return classPlain
		}
	case "FCPublish", "FCUnpublish", "releaseStream":
		if at.arg == 3 {
			return classKey
		}
	case "play", "FCSubscribe", "FCUnsubscribe", "getStreamLength":
		if at.arg == 3 {
			return className
		}
	case "_result", "_error":
		return classSecret
	}
	return classSecret
}

// classifyAnswer is classify for messages from the server.
func classifyAnswer(command string, at place) class {
	switch command {
	case "_result", "_error", "onStatus", "onFCPublish", "onFCUnpublish", "onFCSubscribe", "onFCUnsubscribe", "onPlayStatus":
		if at.key != "" {
			return infoFields[at.key]
		}
		if command != "_result" {
			return classText
		}
	}
	return classSecret
}

// isKnown reports whether the name of a property may be shown.
func isKnown(key string) bool {
	_, connect := connectFields[key]
	_, info := infoFields[key]
	return connect || info
}

// labelOf returns the label of a text in End.
func labelOf(command string, at place) string {
	switch {
	case command == "publish" && at.arg == 3 || command == "FCPublish" || command == "FCUnpublish" || command == "releaseStream":
		return "publishing name"
	case isKnown(at.key):
		return quoted(command) + "'s " + at.key
	case at.key != "":
		return "property of " + quoted(command)
	case at.arg < 3:
		return quoted(command)
	}
	return quoted(command) + "'s argument " + strconv.Itoa(at.arg-2)
}
