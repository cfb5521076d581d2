package auth

import "strings"

// maxText is the longest description and the longest app that are taken apart, in bytes. Real ones have some 200.
const maxText = 4096

// Reason is why a server rejects a connect.
type Reason string

// The reasons. The last three are spelled as servers spell them.
const (
	NeedUser     Reason = "need auth"  // it wants scheme and user in app: code=403 need auth
	NeedResponse Reason = "needauth"   // it wants the answer to the challenge that comes with the reason
	AuthFailed   Reason = "authfailed" // wrong password; Limelight says authfail
	NoSuchUser   Reason = "nosuchuser"
)

// Rejection is what the description of a rejected connect says about authentication.
type Rejection struct {
	Scheme Scheme // Adobe or Limelight
	Reason Reason

	// With NeedResponse, as they came, not decoded. User is never empty then.
	User      string
	Salt      string // Adobe
	Challenge string // Adobe
	Opaque    string // Adobe; if not empty it takes the place of Challenge
	Nonce     string // Limelight; never empty
}

// ParseRejection takes the description of a rejected connect apart, such as
//
//	[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] :
//	[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=U&salt=S&challenge=C&opaque=O
//	[ AccessManager.Reject ] : [ authmod=llnw ] : ?reason=needauth&user=U&nonce=N
//
// found is false if it does not mention authentication. Errors are *Error: a scheme or a reason that is not known, a
// challenge without what its scheme needs, more than 4096 bytes.
func ParseRejection(description string) (r Rejection, found bool, err error) {
	_, scheme, found := strings.Cut(description, "authmod=")
	if !found {
		return Rejection{}, false, nil
	}
	if i := strings.IndexAny(scheme, " \t\r\n,;]&?"); i >= 0 {
		scheme = scheme[:i]
	}
	r.Scheme = Scheme(scheme)
	if r.Scheme != Adobe && r.Scheme != Limelight {
		return Rejection{}, true, &Error{Detail: "unknown authmod", Value: clip(scheme)}
	}
	if len(description) > maxText {
		return Rejection{}, true, &Error{Scheme: r.Scheme, Detail: "description over 4096 bytes", Value: clip(description)}
	}
	if strings.Contains(description, "code=403 need auth") {
		r.Reason = NeedUser
		return r, true, nil
	}
	_, query, _ := strings.Cut(description, "?reason=")
	if wrong := r.setReason(parameters("reason=" + query)); wrong != "" {
		return Rejection{}, true, &Error{Scheme: r.Scheme, Detail: wrong, Value: clip(description)}
	}
	return r, true, nil
}

// setReason sets what the parameters after the description say, and returns what is wrong with them.
func (r *Rejection) setReason(p map[string]string) (wrong string) {
	switch reason := strings.TrimSpace(p["reason"]); {
	case reason == string(NeedResponse):
		r.Reason = NeedResponse
	case reason == string(NoSuchUser):
		r.Reason = NoSuchUser
		return ""
	case strings.HasPrefix(reason, "authfail"):
		r.Reason = AuthFailed
		return ""
	case reason == "":
		return "rejected without a reason"
	default:
		return "rejected for an unknown reason"
	}
	r.User, r.Salt, r.Challenge, r.Opaque, r.Nonce = p["user"], p["salt"], p["challenge"], p["opaque"], p["nonce"]
	_, salted := p["salt"]
	switch {
	case r.User == "":
		return "challenge without a user"
	case r.Scheme == Adobe && !salted:
		return "challenge without a salt"
	case r.Scheme == Limelight && r.Nonce == "":
		return "challenge without a nonce"
	}
	return ""
}

// parameters splits a query at each & and each part at its first =. Nothing is decoded, since nobody encodes: values are
// base64 with + and / and =. Of parameters with the same name the last one counts.
func parameters(query string) map[string]string {
	p := make(map[string]string)
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		p[name] = value
	}
	return p
}
