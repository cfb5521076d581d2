package transport

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

// certify returns a certificate for a name, which is valid until a given time. It is signed by the authority or, if authority is nil, by
// itself.
func certify(t testing.TB, name string, until time.Time, authority *tls.Certificate) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: until.Add(-48 * time.Hour), NotAfter: until, IsCA: authority == nil, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	parent, signer := template, any(key)
	if authority != nil {
		parent, signer = authority.Leaf, authority.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// authority returns a certificate authority, which cfg trusts.
func authority(t testing.TB) (ca tls.Certificate, cfg *tls.Config) {
	ca = certify(t, "authority", time.Now().Add(24*time.Hour), nil)
	roots := x509.NewCertPool()
	roots.AddCert(ca.Leaf)
	return ca, &tls.Config{RootCAs: roots}
}

// listenTLS serves connections on the loopback interface with the certificate, until the test ends.
func listenTLS(t testing.TB, cert tls.Certificate, serve func(*tls.Conn)) (addr string) {
	return conntest.Serve(t, func(nc net.Conn) {
		tc := tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}})
		if tc.Handshake() == nil {
			serve(tc)
		}
	})
}

// dialTLS connects to addr by TLS, under the name server.test.
func dialTLS(t testing.TB, cfg *tls.Config, addr string) (net.Conn, error) {
	d, err := NewDialer(Config{TLSConfig: cfg, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	nc, err := d.DialTLS(ctx, "server.test:443")
	if err == nil {
		t.Cleanup(func() { nc.Close() })
	}
	return nc, err
}

func TestTLSRefuses(t *testing.T) {
	ca, trusting := authority(t)
	tomorrow, yesterday := time.Now().Add(24*time.Hour), time.Now().Add(-24*time.Hour)
	for name, test := range map[string]struct {
		cert         tls.Certificate
		cfg          *tls.Config
		text, advice string
	}{
		"expired":       {certify(t, "server.test", yesterday, &ca), trusting, "certificate has expired", "this machine's clock"},
		"self-signed":   {certify(t, "server.test", tomorrow, nil), trusting, "unknown authority", "TLSConfig.RootCAs"},
		"unknown":       {certify(t, "server.test", tomorrow, &ca), &tls.Config{RootCAs: x509.NewCertPool()}, "unknown authority", "TLSConfig.RootCAs"},
		"another name":  {certify(t, "other.test", tomorrow, &ca), trusting, "valid for other.test, not server.test", "TLSConfig.ServerName"},
		"not yet valid": {certify(t, "server.test", tomorrow.Add(9000*time.Hour), &ca), trusting, "not yet valid", "this machine's clock"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := listenTLS(t, test.cert, func(*tls.Conn) {})
			_, err := dialTLS(t, test.cfg, addr)
			var refused *TLSError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, "server.test", refused.Host)
			assert.Contains(t, refused.Error(), test.text)
			assert.Contains(t, refused.Advice, test.advice)
			assert.True(t, strings.HasPrefix(err.Error(), "tls: server.test: "))
			assert.Equal(t, "tls", Stage(err))

			// HTTPS tunnels return the same errors.
			d, err := NewDialer(Config{TLSConfig: test.cfg, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", addr)
			}})
			require.NoError(t, err)
			_, err = d.DialTunnel(t.Context(), "server.test:443", true)
			require.ErrorAs(t, err, &refused)
			assert.Contains(t, refused.Advice, test.advice)
			assert.Equal(t, "tls", Stage(err))
		})
	}
}

func TestTLSOfSomethingElse(t *testing.T) {
	for name, test := range map[string]struct{ said, text string }{
		"nothing":   {"", "EOF"},
		"half":      {"\x16\x03\x03\x00\x7a\x02", "unexpected EOF"},
		"plain":     {"HTTP/1.1 400 Bad Request\r\n\r\n", "the server does not speak TLS on this port"},
		"RTMP":      {"\x03" + strings.Repeat("\x00", 1536), "the server does not speak TLS on this port"},
		"an alert":  {"\x15\x03\x03\x00\x02\x02\x28", "handshake failure"},
		"bad hello": {"\x16\x03\x03\x00\x04\x02\x00\x00\x00", "error decoding message"},
	} {
		addr := conntest.Serve(t, func(nc net.Conn) {
			nc.Read(make([]byte, 1<<10))
			io.WriteString(nc, test.said)
			nc.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, nc)
		})
		_, err := dialTLS(t, nil, addr)
		var refused *TLSError
		require.ErrorAs(t, err, &refused, name)
		assert.Contains(t, err.Error(), test.text, name)
	}
}

func TestTLSHangs(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	addr := conntest.Serve(t, func(nc net.Conn) {
		nc.Read(make([]byte, 1))
		close(asked)
		<-release
	})
	d, err := NewDialer(Config{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	_, err = d.DialTLS(ctx, addr)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, "tls", Stage(err))
}

func TestTLSConfig(t *testing.T) {
	ca, trusting := authority(t)
	said := make(chan tls.ConnectionState, 1)
	addr := listenTLS(t, certify(t, "other.test", time.Now().Add(time.Hour), &ca), func(tc *tls.Conn) { said <- tc.ConnectionState() })
	for name, cfg := range map[string]*tls.Config{
		"other name":    {RootCAs: trusting.RootCAs, ServerName: "other.test"},
		"no questions":  {InsecureSkipVerify: true},
		"a bad, old h2": {InsecureSkipVerify: true, NextProtos: []string{"h2"}},
	} {
		before := cfg.Clone()
		_, err := dialTLS(t, cfg, addr)
		require.NoError(t, err, name)
		state := <-said
		assert.Empty(t, state.NegotiatedProtocol)
		want := cfg.ServerName
		if want == "" {
			want = "server.test"
		}
		assert.Equal(t, want, state.ServerName)
		assert.Equal(t, before.NextProtos, cfg.NextProtos, "it is the caller's")
		assert.Equal(t, before.ServerName, cfg.ServerName)
	}
}

// tlsPair returns both ends of a connection.
func tlsPair(t testing.TB) (client net.Conn, server *tls.Conn) {
	ca, trusting := authority(t)
	accepted, release := make(chan *tls.Conn), make(chan struct{})
	addr := listenTLS(t, certify(t, "server.test", time.Now().Add(time.Hour), &ca), func(tc *tls.Conn) {
		accepted <- tc
		<-release
	})
	t.Cleanup(func() { close(release) })
	client, err := dialTLS(t, trusting, addr)
	require.NoError(t, err)
	return client, <-accepted
}

// TestTLSWriteResumes checks that a tlsConn, unlike a tls.Conn, can be used after a timeout of Write.
func TestTLSWriteResumes(t *testing.T) {
	client, server := tlsPair(t)
	// Small socket buffers make writes wait.
	require.NoError(t, client.(*tlsConn).box.Conn.(*net.TCPConn).SetWriteBuffer(8<<10))
	want := noise(1, 1<<20)
	got := make(chan []byte)
	go func() {
		b := make([]byte, len(want))
		n, _ := io.ReadFull(server, b)
		got <- b[:n]
	}()
	timeouts, err := writeResuming(client, want, mathrand.New(mathrand.NewPCG(1, 1)))
	require.NoError(t, err)
	assert.NotZero(t, timeouts)
	assert.True(t, bytes.Equal(want, <-got))
}

// TestTLSWriteResumesAfterLongWait checks a peer that reads nothing for a long time. Each Write must end at its deadline, no bytes may be
// lost, and the queue must stay bounded.
func TestTLSWriteResumesAfterLongWait(t *testing.T) {
	client, server := tlsPair(t)
	want := noise(2, 16<<20)
	rest, n := want, 0
	for range 4 {
		client.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
		var err error
		n, err = client.Write(rest)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		rest = rest[n:]
		assert.Less(t, len(client.(*tlsConn).box.waiting), 2*tlsPiece)
	}
	require.NotEmpty(t, rest)
	client.SetWriteDeadline(time.Now().Add(patience))
	failed := make(chan error)
	go func() {
		_, err := client.Write(rest)
		client.SetWriteDeadline(past) // the deadline of an earlier write, which does not affect CloseWrite if no bytes are waiting
		if err == nil {
			err = client.(*tlsConn).CloseWrite()
		}
		failed <- err
	}()
	got, err := io.ReadAll(server)
	require.NoError(t, err)
	require.NoError(t, <-failed)
	assert.True(t, bytes.Equal(want, got))
}

// countedWrites counts the calls of Write.
type countedWrites struct {
	net.Conn
	n int
}

func (c *countedWrites) Write(b []byte) (int, error) {
	c.n++
	return c.Conn.Write(b)
}

// TestTLSWritesRecordsTogether checks that one write to the socket carries all records of a piece. The first records are smaller than a
// packet, so that a server that begins to play would otherwise make a system call for each of them.
func TestTLSWritesRecordsTogether(t *testing.T) {
	client, server := tlsPair(t)
	box := client.(*tlsConn).box
	socket := &countedWrites{Conn: box.Conn}
	box.Conn = socket
	want := noise(3, 4*tlsPiece)
	got := make(chan []byte)
	go func() {
		b := make([]byte, len(want))
		n, _ := io.ReadFull(server, b)
		got <- b[:n]
	}()
	n, err := client.Write(want)
	require.NoError(t, err)
	assert.Equal(t, len(want), n)
	assert.True(t, bytes.Equal(want, <-got))
	assert.Equal(t, len(want)/tlsPiece, socket.n)
	assert.Nil(t, box.waiting, "an idle connection keeps no memory")
}

// stuck is a connection that accepts no bytes. It records the write deadlines.
type stuck struct {
	net.Conn
	deadlines []time.Time
}

func (s *stuck) Write([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

func (s *stuck) SetWriteDeadline(t time.Time) error {
	s.deadlines = append(s.deadlines, t)
	return nil
}

// TestTLSCloseIsBounded checks that Close returns quickly if the peer reads nothing. crypto/tls would wait for five seconds.
func TestTLSCloseIsBounded(t *testing.T) {
	client, _ := tlsPair(t)
	socket := &stuck{Conn: client.(*tlsConn).box.Conn}
	client.(*tlsConn).box.Conn = socket
	client.Close()
	latest := time.Now().Add(tlsCloseTimeout)
	require.Greater(t, len(socket.deadlines), 1, "ours and that of crypto/tls")
	for _, d := range socket.deadlines {
		assert.False(t, d.IsZero() || d.After(latest), d)
	}
}

func TestTLSFullDuplex(t *testing.T) {
	ca, trusting := authority(t)
	accepted, release := make(chan net.Conn), make(chan struct{})
	defer close(release)
	addr := conntest.Serve(t, func(nc net.Conn) {
		box := &outbox{Conn: nc}
		tc := tls.Server(box, &tls.Config{Certificates: []tls.Certificate{certify(t, "server.test", time.Now().Add(time.Hour), &ca)}})
		accepted <- &tlsConn{Conn: tc, box: box}
		<-release
	})
	// The server performs the handshake in its first Read or Write, so it must call one of them.
	client := make(chan net.Conn)
	go func() {
		nc, err := dialTLS(t, trusting, addr)
		assert.NoError(t, err)
		client <- nc
	}()
	server := <-accepted
	require.NoError(t, server.(*tlsConn).Handshake())
	fullDuplex(t, <-client, server, 4<<20)
}

func TestTLSIsNetConn(t *testing.T) {
	ca, trusting := authority(t)
	cert := certify(t, "server.test", time.Now().Add(time.Hour), &ca)
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		accepted, release := make(chan net.Conn), make(chan struct{})
		addr := listenTLS(t, cert, func(tc *tls.Conn) {
			accepted <- tc
			<-release
		})
		if c1, err = dialTLS(t, trusting, addr); err != nil {
			return nil, nil, nil, err
		}
		c2 = <-accepted
		return c1, c2, func() {
			c1.Close()
			c2.Close()
			close(release)
		}, nil
	})
}

// TestTLSCloseTwice checks that a second Close does not close the socket while the first still sends close_notify.
func TestTLSCloseTwice(t *testing.T) {
	ca, trusting := authority(t)
	cert := certify(t, "server.test", time.Now().Add(time.Hour), &ca)
	now := time.Now() // the time in the bubble is another
	trusting.Time = func() time.Time { return now }
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer b.Close()
		server := tls.Server(b, &tls.Config{Certificates: []tls.Certificate{cert}, SessionTicketsDisabled: true, Time: trusting.Time})
		shaken := make(chan error, 1)
		go func() { shaken <- server.Handshake() }()
		client, err := startTLS(t.Context(), a, "server.test", trusting)
		require.NoError(t, err)
		require.NoError(t, <-shaken)
		first := make(chan error, 1)
		go func() { first <- client.Close() }()
		synctest.Wait() // the first Close is blocked, since nobody reads
		require.ErrorIs(t, client.Close(), net.ErrClosed)
		_, err = server.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.NoError(t, <-first)
	})
}

// TestTLSCloseThoughPeerHangs checks that Close does not wait long for a peer that reads nothing.
func TestTLSCloseThoughPeerHangs(t *testing.T) {
	client, _ := tlsPair(t)
	client.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
	_, err := client.Write(make([]byte, 16<<20))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	client.SetWriteDeadline(time.Time{})
	wrote := make(chan error)
	go func() {
		_, err := client.Write(make([]byte, 16<<20))
		wrote <- err
	}()
	client.Close()
	assert.Error(t, <-wrote)
}

func TestTunnelByHTTPS(t *testing.T) {
	serve, accepted := handOver(t)
	tunnels := NewTunnelServer(serve)
	s := httptest.NewTLSServer(tunnels) // its certificate is for example.com
	t.Cleanup(func() {
		tunnels.Close()
		s.Close()
	})
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	d, err := NewDialer(Config{TLSConfig: &tls.Config{RootCAs: roots, ServerName: "example.com"}})
	require.NoError(t, err)
	client, err := d.DialTunnel(t.Context(), s.Listener.Addr().String(), true)
	require.NoError(t, err)
	t.Cleanup(func() { client.Close() })
	fullDuplex(t, client, <-accepted, 1<<20)
}
