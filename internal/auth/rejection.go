package auth

import "strings"

// maxText is the length in bytes of the longest description or app that is parsed. Real ones have about 200.
const maxText = 4096

// Reason is the reason why a server rejects a connect.
type Reason string

// These are the reasons. The last three are the words that servers send.
const (
	NeedUser     Reason = "need auth"  // the server wants the scheme and the user in app: code=403 need auth
	NeedResponse Reason = "needauth"   // the server wants the response to its challenge
	AuthFailed   Reason = "authfailed" // wrong password; Limelight writes authfail
	NoSuchUser   Reason = "nosuchuser"
)

// Rejection is the information about authentication in the description of a rejected connect.
type Rejection struct {
	Scheme Scheme // Adobe or Limelight
	Reason Reason

	// The following fields are set only with NeedResponse; User is then never empty. Escapes in the values are not decoded.
	User      string
	Salt      string // Adobe
	Challenge string // Adobe
	Opaque    string // Adobe; if it is not empty it replaces Challenge
	Nonce     string // Limelight; never empty
}

// ParseRejection parses the description of a rejected connect, such as
//
//	[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] :
//	[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=U&salt=S&challenge=C&opaque=O
//	[ AccessManager.Reject ] : [ authmod=llnw ] : ?reason=needauth&user=U&nonce=N
//
// found is false if the description does not mention authentication. The error is an *Error if the scheme or the reason is unknown, the
// challenge is incomplete, or the description is longer than 4096 bytes.
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

// setReason sets the fields from the parameters of the description. If they are invalid, it returns what is wrong.
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

// parameters splits a query. It does not decode the values, since servers do not encode them: they are base64 with the characters +, / and
// =. If a name is repeated, the last value counts.
func parameters(query string) map[string]string {
	p := make(map[string]string)
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		p[name] = value
	}
	return p
}
