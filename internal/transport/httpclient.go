package transport

import (
	"cmp"
	"net"
	"net/http"
)

// HTTPClient returns Config.HTTPClient or, if that is nil, a client that connects according to Config. The client keeps no idle
// connections, since it is meant for single requests.
func (d *Dialer) HTTPClient() *http.Client {
	if d.cfg.HTTPClient != nil {
		return d.cfg.HTTPClient
	}
	return &http.Client{Transport: singleRequests{d}}
}

// singleRequests makes a new connection for each request, since a redirect to another server may need another proxy.
type singleRequests struct{ d *Dialer }

func (s singleRequests) RoundTrip(r *http.Request) (*http.Response, error) {
	port := map[string]string{"http": "80", "https": "443"}[r.URL.Scheme]
	transport, _, err := s.d.httpTransport(r.URL.Scheme, net.JoinHostPort(r.URL.Hostname(), cmp.Or(r.URL.Port(), port)))
	if err != nil {
		return nil, err
	}
	transport.DisableKeepAlives = true
	response, err := transport.RoundTrip(r)
	if err != nil {
		transport.CloseIdleConnections() // also ends dialing, which would otherwise continue after r's context is done
	}
	return response, err
}
