package interop

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/swf"
)

// oldTLS limits the version of TLS, since Debian's librtmp fails with the session tickets of TLS 1.3.
func oldTLS() *tls.Config {
	cfg := testserver.ServerTLS()
	cfg.MaxVersion = tls.VersionTLS12
	return cfg
}

func TestProgramsPlayOverEveryTransport(t *testing.T) {
	t.Parallel()
	programtest.Need(t, "rtmpdump", "ffmpeg")
	source := mediaOnly(packets(t, writeSample(t, t.TempDir(), "sample.flv", 0)))
	for _, scheme := range []string{"rtmpe", "rtmpt", "rtmpte", "rtmps", "rtmpts"} {
		url := rtmptest.Server(t, testserver.Config{Scheme: scheme, TLS: oldTLS()}).URL("vod", "sample")
		t.Run(scheme+" rtmpdump", func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "out.flv")
			programtest.Run(t, "rtmpdump", "-q", "-r", url, "-o", file)
			assert.Equal(t, source, mediaOnly(packets(t, file)))
		})
		if scheme == "rtmpe" || scheme == "rtmpte" {
			continue // Debian's FFmpeg is built without it
		}
		t.Run(scheme+" ffmpeg", func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "out.flv")
			programtest.Run(t, "ffmpeg", "-v", "error", "-i", url, "-c", "copy", "-copyts", file)
			assert.Equal(t, source, mediaOnly(packets(t, file)))
		})
	}
}

func TestFFmpegPublishesOverEveryTransport(t *testing.T) {
	t.Parallel()
	programtest.Need(t, "ffmpeg")
	source := writeSample(t, t.TempDir(), "sample.flv", 0)
	for _, scheme := range []string{"rtmps", "rtmpt", "rtmpts"} {
		t.Run(scheme, func(t *testing.T) {
			dir := t.TempDir()
			s := rtmptest.Server(t, testserver.Config{Scheme: scheme, RecordDir: dir})
			programtest.Run(t, "ffmpeg", "-v", "error", "-i", source, "-c", "copy", "-f", "flv", s.URL("live", "out"))
			want, recorded := mediaOnly(packets(t, source)), filepath.Join(dir, "out.flv")
			least := len(want)
			if scheme != "rtmps" {
				least -= 9
			}
			require.Eventually(t, func() bool { return mediaTags(recorded) >= least+2 }, // least media packets and two sequence headers
				time.Minute, 20*time.Millisecond, "the server may still be reading")
			s.Close()
			got := mediaOnly(packets(t, recorded))
			if scheme != "rtmps" { // in a tunnel librtmp sends ten packets at a time, and drops the rest at the end
				require.Greater(t, len(got), len(want)-10)
				want = want[:len(got)]
			}
			assert.Equal(t, want, got)
		})
	}
}

// mediaTags counts the audio and video tags of a file that is being written.
func mediaTags(file string) (n int) {
	content, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	r := flv.NewReader(bytes.NewReader(content))
	for tag := (flv.Tag{}); r.Next(&tag) == nil; {
		if tag.Type != flv.TagScript {
			n++
		}
	}
	return n
}

// TestVerificationOfRtmpdump checks the SWF verification of rtmpdump, with a player that it has downloaded by HTTP, over each kind of
// handshake that allows it.
func TestVerificationOfRtmpdump(t *testing.T) {
	programtest.Need(t, "rtmpdump", "ffmpeg")
	player := append([]byte("FWS\x09\x28\x23\x00\x00"), bytes.Repeat([]byte("a player "), 1000)...) // the header contains the size, 9000
	player = player[:9000]
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Now().Add(-time.Hour), bytes.NewReader(player))
	}))
	defer web.Close()
	hash, size, err := swf.Hash(t.Context(), web.URL+"/p.swf", &swf.Options{CacheFile: swf.NoCache})
	require.NoError(t, err)
	source := mediaOnly(packets(t, writeSample(t, t.TempDir(), "sample.flv", 0)))
	for _, scheme := range []string{"rtmp", "rtmpe", "rtmpt", "rtmpte"} {
		t.Run(scheme, func(t *testing.T) {
			url := rtmptest.Server(t, testserver.Config{Scheme: scheme, Player: &testserver.Player{Hash: hash, Size: size}}).URL("vod", "sample")
			file := filepath.Join(t.TempDir(), "out.flv")
			programtest.Run(t, "rtmpdump", "-q", "-r", url, "-W", web.URL+"/p.swf", "-o", file)
			assert.Equal(t, source, mediaOnly(packets(t, file)))
			programtest.Run(t, "rtmpdump", "-q", "-r", url, "-w", fmt.Sprintf("%x", hash), "-x", fmt.Sprint(size), "-o", file)
			assert.Equal(t, source, mediaOnly(packets(t, file)))

			out, err := exec.CommandContext(conntest.Context(t), "rtmpdump", "-r", url, "-w", fmt.Sprintf("%064x", 1),
				"-x", fmt.Sprint(size), "-o", file).CombinedOutput()
			assert.Error(t, err, "a wrong hash is refused: %s", out)
		})
	}
}

// selfSigned writes a certificate for localhost, signed by the given issuer or, without one, by itself.
func selfSigned(t *testing.T, dir string, names ...string) (file string, roots *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(7), DNSNames: names, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	file = filepath.Join(dir, "server.pem")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	roots = x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(text[bytes.Index(text, []byte("-----BEGIN CERT")):]))
	return file, roots
}

// TestNginxBehindTLS connects to nginx-rtmp through stunnel, the usual way to offer rtmps.
func TestNginxBehindTLS(t *testing.T) {
	programtest.Need(t, "stunnel4")
	recordings, dir := t.TempDir(), t.TempDir()
	source := writeSample(t, recordings, "sample.flv", 0)
	plain := programtest.Nginx(t, recordings)
	certificate, roots := selfSigned(t, dir, "localhost")
	port := conntest.UnusedPort(t)
	config := fmt.Sprintf("foreground = yes\npid =\n[rtmps]\naccept = 127.0.0.1:%s\nconnect = %s\ncert = %s\n", port, plain, certificate)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "stunnel.conf"), []byte(config), 0o600))
	programtest.Start(t, "stunnel4", filepath.Join(dir, "stunnel.conf"))
	conntest.UntilListening(t, "127.0.0.1:"+port)
	url := "rtmps://localhost:" + port

	file, err := play(t, url+"/vod/sample.flv", &rtmp.Options{TLSConfig: &tls.Config{RootCAs: roots}})
	require.NoError(t, err)
	assert.Equal(t, mediaOnly(packets(t, source)), mediaOnly(packets(t, file)))
	require.NoError(t, publish(t, source, url+"/rec/tls", false, &rtmp.Options{TLSConfig: &tls.Config{RootCAs: roots}}))
	require.Eventually(t, func() bool {
		matches, _ := filepath.Glob(filepath.Join(recordings, "tls*.flv"))
		return len(matches) == 1 && len(mediaOnly(packets(t, matches[0]))) == len(mediaOnly(packets(t, source)))
	}, time.Minute, 100*time.Millisecond)

	_, err = rtmp.Dial(conntest.Context(t), url+"/vod/sample.flv", nil)
	var failed *rtmp.HandshakeError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "tls", failed.Stage)
	assert.True(t, errors.As(err, new(x509.UnknownAuthorityError)), "%v", err)
}

// TestProxies connects through real proxies: microsocks and Dante for SOCKS, Tinyproxy for HTTP. Only Dante supports SOCKS4a.
func TestProxies(t *testing.T) {
	t.Parallel()
	programtest.Need(t, "microsocks", "danted", "tinyproxy")
	dir, recordings := t.TempDir(), t.TempDir()
	source := mediaOnly(packets(t, writeSample(t, recordings, "sample.flv", 0)))
	plain := "rtmp://" + programtest.Nginx(t, recordings) + "/vod/sample.flv"
	tunnelled := rtmptest.Server(t, testserver.Config{Scheme: "rtmpt"})
	secure := rtmptest.Server(t, testserver.Config{Scheme: "rtmps"})

	socks := conntest.UnusedPort(t)
	programtest.Start(t, "microsocks", "-i", "127.0.0.1", "-p", socks, "-u", "me", "-P", "pass")
	dante := conntest.UnusedPort(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "danted.conf"), fmt.Appendf(nil, `logoutput: stderr
		internal: 127.0.0.1 port = %s
		external: 127.0.0.1
		clientmethod: none
		socksmethod: none
		client pass { from: 127.0.0.0/8 to: 127.0.0.0/8 }
		socks pass { from: 127.0.0.0/8 to: 127.0.0.0/8 }
		`, dante), 0o600))
	programtest.Start(t, "danted", "-f", filepath.Join(dir, "danted.conf"), "-p", filepath.Join(dir, "danted.pid"))
	web, open := conntest.UnusedPort(t), conntest.UnusedPort(t)
	for port, auth := range map[string]string{web: "BasicAuth me pass\n", open: ""} {
		file := filepath.Join(dir, port+".conf")
		require.NoError(t, os.WriteFile(file, fmt.Appendf(nil,
			"Listen 127.0.0.1\nPort %s\nTimeout 60\nMaxClients 20\nLogLevel Error\n%s", port, auth), 0o600))
		programtest.Start(t, "tinyproxy", "-d", "-c", file)
	}
	for _, port := range []string{socks, dante, web, open} {
		conntest.UntilListening(t, "127.0.0.1:"+port)
	}

	for _, proxy := range []string{"socks5://me:pass@127.0.0.1:" + socks, "socks4://127.0.0.1:" + dante,
		"socks4a://127.0.0.1:" + dante, "socks5://127.0.0.1:" + dante, "http://me:pass@127.0.0.1:" + web,
		"127.0.0.1:" + open} {
		for _, url := range []string{plain, tunnelled.URL("vod", "sample"), secure.URL("vod", "sample")} {
			t.Run(proxy+" "+url, func(t *testing.T) {
				file, err := play(t, url, &rtmp.Options{Proxy: proxy, TLSConfig: testserver.ClientTLS()})
				require.NoError(t, err)
				assert.Equal(t, source, mediaOnly(packets(t, file)))
			})
		}
	}
	for _, wrong := range []string{"socks5://me:other@127.0.0.1:" + socks, "http://me:other@127.0.0.1:" + web,
		"socks5://127.0.0.1:" + conntest.UnusedPort(t), "socks4://127.0.0.1:" + web} {
		_, err := rtmp.Dial(conntest.Context(t), plain, &rtmp.Options{Proxy: wrong, Timeout: 2 * time.Second})
		var failed *rtmp.HandshakeError
		require.ErrorAs(t, err, &failed, wrong)
		assert.Equal(t, "proxy", failed.Stage, "%v", err)
		assert.NotContains(t, err.Error(), "other")
	}
}
