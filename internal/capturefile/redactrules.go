package capturefile

import "strconv"

// class says which part of a string is secret, and therefore replaced.
type class uint8

const (
	classSecret class = iota // everything
	classKey                 // a publishing name: everything except the names in its query
	className                // the name of a stream: the values in its query
	classText                // known secrets, and the users, passwords and queries of URLs
	classPlain               // nothing
)

// rule says which parts of a command that one end sends a recording may contain. If the other end sends that command, all strings in it are
// secrets.
type rule struct {
	from   Direction
	args   []class          // classes of the arguments after the command object
	texts  class            // class of other strings that are not in a property
	fields map[string]class // classes of properties, by name
	others class            // class of other properties
	object bool             // fields applies only to the command object

	private bool // numbers in the command may be private
}

var (
	publishes = rule{from: FromClient, args: []class{classKey}}
	plays     = rule{from: FromClient, args: []class{className}}
	tells     = rule{from: FromServer, texts: classText, fields: infoFields}
)

// rules has the known commands. All strings of other commands are replaced.
var rules = map[string]rule{
	"connect":   {from: FromClient, fields: connectFields, object: true},
	"publish":   {from: FromClient, args: []class{classKey, classPlain}},
	"FCPublish": publishes, "FCUnpublish": publishes, "releaseStream": publishes,
	"play": plays, "FCSubscribe": plays, "FCUnsubscribe": plays, "getStreamLength": plays,
	"play2":        {from: FromClient, fields: map[string]class{"streamName": className, "oldStreamName": className, "transition": classPlain}},
	"set_playlist": {from: FromClient, texts: className, others: className},

	"onStatus": tells, "onFCPublish": tells, "onFCUnpublish": tells, "onFCSubscribe": tells, "onFCUnsubscribe": tells,
	"onPlayStatus": {from: FromServer, texts: classText, fields: infoFields, private: true},
	"_error":       {from: FromServer, texts: classText, fields: infoFields, private: true},
	"_result":      {from: FromServer, fields: infoFields, private: true},

	"createStream": {}, "deleteStream": {}, "closeStream": {}, "pause": {}, "pauseRaw": {}, "seek": {}, "receiveAudio": {}, "receiveVideo": {},
	"initStream": {}, "onBWDone": {}, "_onbwcheck": {}, "_onbwdone": {}, "_checkbw": {}, "close": {}, "ping": {}, "pong": {},
}

// connectFields are the properties of connect's command object (section 7.2.1.1, and Enhanced RTMP) that a recording may contain.
var connectFields = map[string]class{
	"app": classText, "tcUrl": classText, "swfUrl": classText, "pageUrl": classText,
	"flashVer": classText, "flashver": classText, "type": classPlain, "objectEncoding": classPlain,
	"fourCcList": classPlain, "videoFourCcInfoMap": classPlain, "audioFourCcInfoMap": classPlain,
}

// infoFields are the properties of a server's information objects that a recording may contain. They include challenges, which reveal
// nothing without the answers.
var infoFields = map[string]class{
	"level": classPlain, "code": classPlain, "description": classText, "details": classText, "reason": classText,
	"redirect": classText, "tcUrl": classText, "url": classText, "fmsVer": classText, "version": classText, "mode": classPlain,
	"type": classPlain, "objectEncoding": classPlain, "secureToken": classPlain, "clientid": classPlain, "clientId": classPlain,
	"server": classText, "product": classText, "vendor": classText, "srs_server": classText, "srs_version": classText, "srs_sig": classText,
	"fourCcList": classPlain, "reconnectRequest": classText, "message": classText,
}

// classify returns the class of a string in a command. at.arg is 0 for the command name, 1 for the transaction id and 2 for the command
// object.
func classify(from Direction, command string, at place) class {
	r := rules[command]
	const first = 3
	switch {
	case r.from != from, at.key != "" && r.object && at.arg != 2:
		return classSecret
	case at.key != "":
		if c, found := r.fields[at.key]; found {
			return c
		}
		return r.others
	case at.arg >= first && at.arg-first < len(r.args):
		return r.args[at.arg-first]
	}
	return r.texts
}

func hasPrivateNumbers(command string) bool {
	r, known := rules[command]
	return !known || r.private
}

func isKnown(key string) bool {
	_, connect := connectFields[key]
	_, info := infoFields[key]
	return connect || info
}

func labelOf(what class, command string, at place) string {
	switch {
	case what == classKey:
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
