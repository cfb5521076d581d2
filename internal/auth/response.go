package auth

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// nonceCount is the nonce count of HTTP digest authentication: each connection has a new nonce.
const nonceCount = "00000001"

// adobeResponse returns the response of Adobe's scheme. challenge is the server's opaque value or, if there is none, its challenge; own is
// the client's challenge.
func adobeResponse(user, password, salt, challenge, own string) string {
	return base64MD5(base64MD5(user+salt+password) + challenge + own)
}

// limelightResponse returns the response of HTTP digest authentication (RFC 2617 section 3.2.2, qop=auth). The method is "publish", and the
// URI is the app without its query, with _definst_ added if the app has no instance.
func limelightResponse(user, password, app, nonce, own string) string {
	app, _, _ = strings.Cut(app, "?")
	if !strings.Contains(app, "/") {
		app += "/_definst_"
	}
	secret := hexMD5(user + ":live:" + password)
	return hexMD5(secret + ":" + nonce + ":" + nonceCount + ":" + own + ":auth:" + hexMD5("publish:/"+app))
}

func base64MD5(s string) string {
	sum := md5.Sum([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func hexMD5(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}
