package findings

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/message"
)

const (
	// smallChunks is the chunk size in bytes below which media has much overhead, and many servers cannot send fast.
	smallChunks = 1024
	// smallWindow is the acknowledgement window in bytes below which a fast stream waits for acknowledgements.
	smallWindow = 64 << 10
	// minSaving is the least saving by pipelining that the report mentions.
	minSaving = 5e6 // nanoseconds
)

var protocol = []rule{
	{"not-rtmp", report.Error, func(r *report.Report) string {
		var wrong *handshake.Error
		if !failedIn(r, rtmp.StageRTMP) && !failedIn(r, rtmp.StageRTMPE) || !errors.As(r.Err, &wrong) || wrong.Err != nil {
			return ""
		}
		if first, ok := wrong.Value.(byte); ok && first == 'H' {
			return "The server does not speak RTMP on this port: it answers as an HTTP server does."
		}
		return "The server does not speak RTMP on this port: " + r.Error
	}, "Check the port. If it is a web server that offers RTMPT, use rtmpt://; if it expects TLS, use rtmps://."},
	{"handshake-hangup", report.Error, func(r *report.Report) string {
		if !failedIn(r, rtmp.StageRTMP) && !failedIn(r, rtmp.StageRTMPE) || !lost(r.Err) || refusedTLS(r.Err) {
			return ""
		}
		return "The server closed the connection during the handshake."
	}, "It may expect TLS (rtmps://) or, with TLS, a client certificate; it may not speak RTMP on this port; or it may have banned this address."},
	{"handshake-silent", report.Error, func(r *report.Report) string {
		if !failedIn(r, rtmp.StageRTMP) && !failedIn(r, rtmp.StageRTMPE) || !timedOut(r.Err) {
			return ""
		}
		return "The server accepted the connection and then did not answer the handshake."
	}, "It may be waiting for TLS or HTTP: try rtmps:// or rtmpt://. It may also be overloaded, or the port may belong to a proxy whose server is down."},
	{"connect-hangup", report.Error, func(r *report.Report) string {
		if !failedIn(r, rtmp.StageConnect) {
			return ""
		}
		return "The server closed the connection instead of answering connect."
	}, "It may not have this application, or may not accept this client. See which other settings work."},
	{"connect-silent", report.Error, func(r *report.Report) string {
		if !timedOut(r.Err) || !stageFailed(r, report.Connect) {
			return ""
		}
		return "The server did not answer connect."
	}, "It may not understand a property in connect. See which other settings work."},
	{"wants-user", report.Error, func(r *report.Report) string {
		if !r.WantsUser() || userRefused(r) {
			return ""
		}
		return "The server requires a user and a password."
	}, "Put them into the URL: rtmp://user:password@host/app/key."},
	{"user-refused", report.Error, func(r *report.Report) string {
		if !r.WantsUser() || !userRefused(r) {
			return ""
		}
		return "The server refused the user or the password."
	}, "Check both. In URLs, characters other than letters and digits are written with %."},
	{"connect-refused", report.Error, func(r *report.Report) string {
		if !report.IsRefusal(r.Err) || !stageFailed(r, report.Connect) || r.WantsUser() {
			return ""
		}
		return "The server refused connect: " + r.Error
	}, "Check the application, the part of the path after the host. See which other settings work."},
	{"stream-not-found", report.Error, func(r *report.Report) string {
		if r.Publish || !report.IsRefusal(r.Err) || stageFailed(r, report.Connect) || !reachedStream(r) {
			return ""
		}
		return "The server refused to play the stream: " + r.Error
	}, "Check the stream's name. A live stream may not have a publisher."},
	{"publish-refused", report.Error, func(r *report.Report) string {
		if !r.Publish || !report.IsRefusal(r.Err) || stageFailed(r, report.Connect) || !reachedStream(r) {
			return ""
		}
		return "The server refused the stream: " + r.Error
	}, "Check the stream's key. It may already be in use."},
	{"stream-silent", report.Error, func(r *report.Report) string {
		if !timedOut(r.Err) || stageFailed(r, report.Connect) || !reachedStream(r) || failedEarly(r) {
			return ""
		}
		return "The server accepted connect, but did not answer " + lastStage(r) + "."
	}, "Some servers do not answer until there is a publisher, or if a name is wrong."},
	{"stream-hangup", report.Error, func(r *report.Report) string {
		if failedEarly(r) || !lost(r.Err) || !unanswered(r) {
			return ""
		}
		return "The server closed the connection instead of answering " + lastStage(r) + "."
	}, "Some servers refuse a key, a stream's name or a second publisher in this way. The server's log says why."},
	{"lost", report.Error, func(r *report.Report) string {
		if failedEarly(r) || !lost(r.Err) || unanswered(r) {
			return ""
		}
		return "The connection was lost: " + r.Error
	}, "The server's log may say why it closed the connection."},
	{"broken", report.Error, func(r *report.Report) string {
		if !errors.As(r.Err, new(*message.ProtocolError)) {
			return ""
		}
		return "The server violated the protocol: " + r.Error
	}, "This is a bug in the server. Record the session with --capture and report it."},
	{"enhanced-breaks", report.Warning, func(r *report.Report) string {
		for _, s := range r.Stages {
			if s.Name == "again" && strings.Contains(s.Text, "without announcing Enhanced RTMP") && r.Server.Handshake != "" && !failedEarly(r) {
				return "The server did not answer a connect that announces Enhanced RTMP, but answered one without it."
			}
		}
		return ""
	}, "Set Options.NoEnhanced or --no-enhanced to save three seconds. The server needs an update."},
	{"incomplete", report.Warning, func(r *report.Report) string {
		if !r.Incomplete {
			return ""
		}
		return "Parts of the recording are missing: the findings about the rest may be wrong."
	}, ""},
	{"tolerated", report.Warning, func(r *report.Report) string {
		var wrong []string
		for what, n := range r.Wire.Tolerated {
			if n > 0 {
				wrong = append(wrong, fmt.Sprintf("%s (%d)", what, n))
			}
		}
		if len(wrong) == 0 {
			return ""
		}
		slices.Sort(wrong)
		return "The stream violates the protocol in ways that this library tolerates, but other clients may not: " + strings.Join(wrong, ", ") + "."
	}, "This is a bug in the server, or in the publisher whose chunks it forwards."},
	{"unreadable", report.Warning, func(r *report.Report) string {
		if r.Wire.Unreadable == 0 {
			return ""
		}
		return report.Number(r.Wire.Unreadable, "message") + " could not be read."
	}, "This is a bug in the server, or in the publisher whose data it forwards."},
	{"unknown-messages", report.Note, func(r *report.Report) string {
		if len(r.Wire.UnknownMessages) == 0 {
			return ""
		}
		var kinds []string
		for kind, n := range r.Wire.UnknownMessages {
			kinds = append(kinds, fmt.Sprintf("%s (%d)", kind, n))
		}
		slices.Sort(kinds)
		return "Messages of unknown types were skipped: " + strings.Join(kinds, ", ") + "."
	}, ""},
	{"slow-answers", report.Note, func(r *report.Report) string {
		if len(r.Trips.Slow) == 0 {
			return ""
		}
		return "Answers arrived 40 ms late (" + strings.Join(r.Trips.Slow, ", ") + "): TCP delays acknowledgements by that time, and the server waits for them."
	}, "Set TCP_NODELAY on the server's sockets."},
	{"slow-requests", report.Note, func(r *report.Report) string {
		if len(r.Trips.Late) == 0 {
			return ""
		}
		return "The client sent " + strings.Join(r.Trips.Late, ", ") + " 40 ms late: TCP delays acknowledgements by that time, and the client waits for them."
	}, "Set TCP_NODELAY on the client's socket, and send the parts of a message with one write."},
	{"pipelining", report.Note, func(r *report.Report) string {
		saved := report.Duration(r.Trips.RTMP-r.Trips.Commands) * r.Trips.RTT
		if saved < minSaving {
			return ""
		}
		most := report.Duration(r.Trips.RTMP-r.Trips.Earliest) * r.Trips.RTT
		return fmt.Sprintf("RTMP took %d round trips of %s. Pipelining of commands would save %s, and pipelining of the handshake as well %s.",
			r.Trips.RTMP, milliseconds(r.Trips.RTT), milliseconds(saved), milliseconds(most))
	}, "Set Options.Pipelining. rtmpdump and package download pipeline the commands by default."},
	{"small-chunks", report.Note, func(r *report.Report) string {
		if !r.Wire.MediaReceived() || r.Wire.TheirChunks >= smallChunks {
			return ""
		}
		return fmt.Sprintf("The server sends chunks of only %d bytes, which costs time on both sides.", r.Wire.TheirChunks)
	}, "Set the server's chunk size to 4096 or more."},
	{"small-window", report.Note, func(r *report.Report) string {
		if r.Wire.TheirWindow == 0 || r.Wire.TheirWindow >= smallWindow {
			return ""
		}
		return fmt.Sprintf("The server requires an acknowledgement for every %d bytes, and may wait for it.", r.Wire.TheirWindow)
	}, "Set the server's window to 2,500,000 or more."},
}

func stageFailed(r *report.Report, name string) bool {
	for _, s := range slices.Backward(r.Stages) {
		if s.Name == name {
			return s.Error != ""
		}
	}
	return false
}

// userRefused reports whether the server has rejected the credentials that were sent: authfailed or nosuchuser.
func userRefused(r *report.Report) bool {
	_, reason, given := strings.Cut(r.Error, "?reason=")
	return given && !strings.HasPrefix(reason, "needauth")
}

func failedEarly(r *report.Report) bool { return errors.As(r.Err, new(*rtmp.HandshakeError)) }

func reachedStream(r *report.Report) bool {
	for _, s := range r.Stages {
		if s.Name == report.Connect && s.Error == "" {
			return true
		}
	}
	return false
}

// unanswered reports whether the session has ended before the server has answered the commands after connect.
func unanswered(r *report.Report) bool {
	return stageFailed(r, report.CreateStream) || stageFailed(r, report.Play) || stageFailed(r, report.Publish)
}

func lastStage(r *report.Report) string {
	if len(r.Stages) == 0 {
		return "anything"
	}
	return r.Stages[len(r.Stages)-1].Name
}
