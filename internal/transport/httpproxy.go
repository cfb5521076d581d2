package transport

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// maxConnectHeader limits the header of a proxy's answer, in bytes.
const maxConnectHeader = 16 << 10

// askHTTP asks the proxy to connect to t (RFC 9110 section 9.3.6). It returns nc. If bytes have arrived together with the answer, it
// returns a connection that begins with those bytes.
func (p *proxyServer) askHTTP(nc net.Conn, t target) (net.Conn, error) {
	request := &http.Request{Method: http.MethodConnect, Host: t.String(), URL: &url.URL{Opaque: t.String()},
		Header: make(http.Header)}
	if name, password := p.credentials(); name != "" || password != "" {
		basic := base64.StdEncoding.EncodeToString([]byte(name + ":" + password))
		request.Header.Set("Proxy-Authorization", "Basic "+basic)
	}
	if err := request.Write(nc); err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: nc, N: maxConnectHeader}
	in := bufio.NewReader(limited)
	response, err := http.ReadResponse(in, request)
	for err == nil && response.StatusCode/100 == 1 && response.StatusCode != http.StatusSwitchingProtocols { // RFC 9110 section 15.2
		response, err = http.ReadResponse(in, request)
	}
	if err != nil {
		if limited.N <= 0 {
			return nil, p.fail(fmt.Sprintf("its answer's header has more than %d bytes", maxConnectHeader), nil)
		}
		return nil, p.fail("no HTTP answer", noEOF(err))
	}
	if response.StatusCode/100 != 2 {
		detail := noConnection
		if demandsLogin(response.StatusCode) {
			detail = p.loginAdvice() + ": "
		}
		e := p.fail(detail+http.StatusText(response.StatusCode), nil)
		e.Code = response.StatusCode
		return nil, e
	}
	if in.Buffered() == 0 {
		return nc, nil
	}
	prefix, _ := in.Peek(in.Buffered())
	return &prefixedConn{Conn: nc, prefix: prefix}, nil
}

// demandsLogin reports whether the HTTP status of a proxy means that it demands other credentials. Tinyproxy answers a wrong password with 401.
func demandsLogin(status int) bool {
	return status == http.StatusProxyAuthRequired || status == http.StatusUnauthorized
}

// prefixedConn is a connection whose first bytes have already been read.
type prefixedConn struct {
	net.Conn
	prefix []byte // used by the reader only
}

func (c *prefixedConn) Read(b []byte) (int, error) {
	if len(c.prefix) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.prefix)
	c.prefix = c.prefix[n:]
	return n, nil
}
