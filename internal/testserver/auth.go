package testserver

import (
	"strings"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/message"
)

// authenticate looks at the command object of connect. It returns the application's name without what authenticates the
// client, and the information object to reject a publisher with that has not proved its identity there.
func (s *Session) authenticate(connect amf.Object) (app string, rejection amf.Object, err error) {
	value, _ := connect.Get("app")
	app, _ = value.(string)
	if s.server.cfg.Auth == nil || !publishes(connect) {
		return app, nil, nil
	}
	app, description, err := s.server.cfg.Auth.Verify(app)
	if err != nil || description == "" {
		return app, nil, err
	}
	return app, message.StatusObject("error", message.CodeConnectRejected, description), nil
}

// publishes tells whether a client says that it is going to publish. That is all a server can know this early; Adobe's
// goes by flashVer.
func publishes(connect amf.Object) bool {
	kind, _ := connect.Get("type")
	version, _ := connect.Get("flashVer")
	encoder, _ := version.(string)
	return kind == "nonprivate" || strings.HasPrefix(encoder, "FMLE/")
}
