package message

// Status codes that StatusError.Code may contain (RTMP 1.0 section 7.2, Flash's NetConnection and NetStream events, E-RTMP v2).
// Servers use others, too.
const (
	CodeCallFailed                = "NetConnection.Call.Failed"              // a remote call has failed, or its method is unknown
	CodeConnectAppShutdown        = "NetConnection.Connect.AppShutdown"      // the application or the server is shutting down
	CodeConnectFailed             = "NetConnection.Connect.Failed"           // the connection attempt has failed
	CodeConnectInvalidApp         = "NetConnection.Connect.InvalidApp"       // the application does not exist
	CodeConnectReconnectRequest   = "NetConnection.Connect.ReconnectRequest" // the server asks the client to connect again, to the tcUrl in the status if there is one (E-RTMP v2)
	CodeConnectRejected           = "NetConnection.Connect.Rejected"         // connect was refused; the description may ask for credentials, and ex.redirect may name another server
	CodeConnectSuccess            = "NetConnection.Connect.Success"          // connect was accepted
	CodeDataStart                 = "NetStream.Data.Start"                   // data follows; sent by Flash Media Server
	CodeFailed                    = "NetStream.Failed"                       // a request on the stream has failed for another reason
	CodePauseNotify               = "NetStream.Pause.Notify"                 // the stream has paused
	CodePlayComplete              = "NetStream.Play.Complete"                // a recording has been played to its end
	CodePlayFailed                = "NetStream.Play.Failed"                  // playing has failed
	CodePlayNoSupportedTrackFound = "NetStream.Play.NoSupportedTrackFound"   // no track of the recording can be played
	CodePlayPublishNotify         = "NetStream.Play.PublishNotify"           // publishing of the stream has begun
	CodePlayReset                 = "NetStream.Play.Reset"                   // the playlist was cleared
	CodePlayStart                 = "NetStream.Play.Start"                   // playing has begun
	CodePlayStop                  = "NetStream.Play.Stop"                    // playing has ended
	CodePlayStreamNotFound        = "NetStream.Play.StreamNotFound"          // the stream does not exist
	CodePlayUnpublishNotify       = "NetStream.Play.UnpublishNotify"         // the publisher has left
	CodePublishBadName            = "NetStream.Publish.BadName"              // the name is already being published
	CodePublishDenied             = "NetStream.Publish.Denied"               // the client may not publish
	CodePublishIdle               = "NetStream.Publish.Idle"                 // the publisher has sent nothing for too long
	CodePublishRejected           = "NetStream.Publish.Rejected"             // the client may not publish
	CodePublishStart              = "NetStream.Publish.Start"                // publishing has begun
	CodeRecordFailed              = "NetStream.Record.Failed"                // recording has failed
	CodeRecordNoAccess            = "NetStream.Record.NoAccess"              // the recording is read-only
	CodeSeekFailed                = "NetStream.Seek.Failed"                  // seeking has failed, or the stream can't seek
	CodeSeekInvalidTime           = "NetStream.Seek.InvalidTime"             // the position is outside of the recording
	CodeSeekNotify                = "NetStream.Seek.Notify"                  // the media that follows is from the new position
	CodeUnpauseNotify             = "NetStream.Unpause.Notify"               // the stream continues
	CodeUnpublishSuccess          = "NetStream.Unpublish.Success"            // publishing has ended
)

// Refused reports whether e, an onStatus, refuses a request: its Level is "error", or its Code is a refusal that some servers send with
// another level. The failure of a recording with another level does not end the publication, since the client has not asked for it.
func (e *StatusError) Refused() bool { return e.Level == "error" || refusals[e.Code] }

var refusals = map[string]bool{
	CodeConnectInvalidApp:         true,
	CodeFailed:                    true,
	CodePlayFailed:                true,
	CodePlayNoSupportedTrackFound: true,
	CodePlayStreamNotFound:        true,
	CodePublishBadName:            true,
	CodePublishDenied:             true,
	CodePublishRejected:           true,
}
