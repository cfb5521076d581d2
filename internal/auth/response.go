package auth

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// nonceCount says that a nonce is used for the first time. Each connection gets another.
const nonceCount = "00000001"

// adobeResponse proves knowledge of the password. challenge is the server's: its opaque if it sends one. own is the
// client's.
func adobeResponse(user, password, salt, challenge, own string) string {
	return base64MD5(base64MD5(user+salt+password) + challenge + own)
}

// limelightResponse is that of HTTP digest authentication (RFC 2617 section 3.2.2, qop=auth) for the method "publish" and
// an app, whose query does not count. An app without an instance has the instance _definst_.
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
