package rtmp

import (
	"crypto/tls"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What other servers learn of the pages' URLs.
func TestPagesForOtherServers(t *testing.T) {
	for page, told := range map[string]string{
		"":                                 "",
		"http://page/@me/p.html":           "http://page/@me/p.html",
		"http://me:pw@page/p.html":         "http://page/p.html",
		"https://me:pw@page:8080#token":    "https://page:8080",
		"http://page/p.swf?token=pw#pw?pw": "http://page/p.swf",
		"http://page/p%20p.swf?":           "http://page/p%20p.swf",
		"http://me:p/w@page/":              "",
		"http://me:p?w@page/":              "",
		"p.swf#token":                      "p.swf",
	} {
		o := &Options{PageURL: page, SWFURL: page, Playpath: "a#b?token=pw", Subscribe: "a#b?token=pw"}
		o.forgetSecrets()
		assert.Equal(t, told, o.PageURL, page)
		assert.Equal(t, told, o.SWFURL, page)
		assert.Equal(t, []string{"a#b", "a#b"}, []string{o.Playpath, o.Subscribe}, "names, where # has no meaning")
	}
}

// A client's certificate tells its server who we are. Others get none; what checks their own stays.
func TestFollowKeepsClientCertificates(t *testing.T) {
	identity := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return new(tls.Certificate), nil }
	cfg := &tls.Config{ServerName: "name", Certificates: make([]tls.Certificate, 1), GetClientCertificate: identity}
	o := Options{ConnectFields: announces, FollowReconnect: FollowAny, TLSConfig: cfg}
	_, same, err := followed(t, &o, "/other")
	require.NoError(t, err)
	assert.Same(t, cfg, same.TLSConfig)
	_, other, err := followed(t, &o, "rtmps://elsewhere.example/app")
	require.NoError(t, err)
	assert.Empty(t, other.TLSConfig.Certificates)
	assert.Nil(t, other.TLSConfig.GetClientCertificate)
	assert.Equal(t, "name", other.TLSConfig.ServerName)
	assert.Len(t, cfg.Certificates, 1, "the program's own")
	assert.NotNil(t, cfg.GetClientCertificate)
}
