package auth

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// nonceCount says that the nonce is used for the first time, since each connection has a new one.
const nonceCount = "00000001"

// adobeResponse proves knowledge of the password. challenge is the server's opaque, or its challenge if it has sent no opaque; own is the
// client's challenge.
func adobeResponse(user, password, salt, challenge, own string) string {
	return base64MD5(base64MD5(user+salt+password) + challenge + own)
}

// limelightResponse is the response of HTTP digest authentication (RFC 2617 section 3.2.2, qop=auth) for the method "publish" and an app,
// without its query. If the app has no instance, _definst_ is added.
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
