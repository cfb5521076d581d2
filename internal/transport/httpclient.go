package transport

import (
	"cmp"
	"net"
	"net/http"
)

// HTTPClient returns Config.HTTPClient, or a client that reaches servers as Config says. That one keeps no connections: it
// is for single requests.
func (d *Dialer) HTTPClient() *http.Client {
	if d.cfg.HTTPClient != nil {
		return d.cfg.HTTPClient
	}
	return &http.Client{Transport: singleRequests{d}}
}

// singleRequests makes a connection for each request. Which proxy is used depends on the server, and redirects change it.
type singleRequests struct{ d *Dialer }

func (s singleRequests) RoundTrip(r *http.Request) (*http.Response, error) {
	port := map[string]string{"http": "80", "https": "443"}[r.URL.Scheme]
	transport, err := s.d.httpTransport(r.URL.Scheme, net.JoinHostPort(r.URL.Hostname(), cmp.Or(r.URL.Port(), port)))
	if err != nil {
		return nil, err
	}
	transport.DisableKeepAlives = true
	response, err := transport.RoundTrip(r)
	if err != nil {
		transport.CloseIdleConnections() // ends dialling, too, which goes on when r's context has ended
	}
	return response, err
}
