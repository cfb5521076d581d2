package url

// Transport describes what a URL's scheme requires below RTMP.
type Transport struct {
	TLS       bool // rtmps, rtmpts
	Tunnel    bool // rtmpt, rtmpte, rtmpts: inside HTTP requests
	Encrypted bool // rtmpe, rtmpte: encrypted by the handshake, which keeps out eavesdroppers but does not authenticate the server
}

var schemes = map[string]struct {
	Transport
	port uint16
}{
	"rtmp":   {Transport{}, 1935},
	"rtmps":  {Transport{TLS: true}, 443},
	"rtmpe":  {Transport{Encrypted: true}, 1935},
	"rtmpt":  {Transport{Tunnel: true}, 80},
	"rtmpts": {Transport{TLS: true, Tunnel: true}, 443},
	"rtmpte": {Transport{Tunnel: true, Encrypted: true}, 80},
}

// Transport returns the transport that the scheme stands for.
func (u *URL) Transport() Transport { return schemes[u.Scheme].Transport }

// EffectivePort returns the port to connect to: Port, or the scheme's default.
func (u *URL) EffectivePort() uint16 {
	if u.Port != 0 {
		return u.Port
	}
	return schemes[u.Scheme].port
}

// protection ranks transports, the best protected highest. TLS ranks highest because it also authenticates the server.
func (t Transport) protection() int {
	switch {
	case t.TLS:
		return 2
	case t.Encrypted:
		return 1
	}
	return 0
}
