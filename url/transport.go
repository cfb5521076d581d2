package url

// Transport is what a URL's scheme asks for below RTMP.
type Transport struct {
	TLS       bool // rtmps, rtmpts
	Tunnel    bool // rtmpt, rtmpte, rtmpts: HTTP requests
	Encrypted bool // rtmpe, rtmpte: by the handshake, which hides from those who listen, and does not authenticate
}

// schemes are all that there are.
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

// Transport returns what the scheme asks for.
func (u *URL) Transport() Transport { return schemes[u.Scheme].Transport }

// EffectivePort is the port to connect to: Port, or the scheme's default.
func (u *URL) EffectivePort() uint16 {
	if u.Port != 0 {
		return u.Port
	}
	return schemes[u.Scheme].port
}

// protection is how well connections are protected, more is better: TLS protects also from those who pretend to be the server.
func (t Transport) protection() int {
	switch {
	case t.TLS:
		return 2
	case t.Encrypted:
		return 1
	}
	return 0
}
