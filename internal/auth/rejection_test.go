package auth_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/auth"
)

func TestParseRejection(t *testing.T) {
	for description, want := range map[string]auth.Rejection{
		"[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ": {Scheme: auth.Adobe, Reason: auth.NeedUser},
		"[ AccessManager.Reject ] : [ code=403 need auth; authmod=llnw ] : ":  {Scheme: auth.Limelight, Reason: auth.NeedUser},
		"code=403 need auth authmod=adobe":                                    {Scheme: auth.Adobe, Reason: auth.NeedUser},
		"[authmod=llnw;code=403 need auth]":                                   {Scheme: auth.Limelight, Reason: auth.NeedUser},
		"[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=usr&salt=SA=LT==&challenge=CHAL==&opaque=OP+/==": {
			Scheme: auth.Adobe, Reason: auth.NeedResponse, User: "usr", Salt: "SA=LT==", Challenge: "CHAL==", Opaque: "OP+/=="},
		"[ authmod=adobe ] : ?reason=needauth&user=usr&salt=&opaque=": {
			Scheme: auth.Adobe, Reason: auth.NeedResponse, User: "usr"},
		"[ authmod=llnw ] : ?reason=needauth&user=usr&nonce=N1": {
			Scheme: auth.Limelight, Reason: auth.NeedResponse, User: "usr", Nonce: "N1"},
		"[ authmod=llnw ] : ?reason=needauth&&nonce=first&user=a&flag&user=b&nonce=last": {
			Scheme: auth.Limelight, Reason: auth.NeedResponse, User: "b", Nonce: "last"},
		"[ authmod=adobe ] : ?reason=authfailed":             {Scheme: auth.Adobe, Reason: auth.AuthFailed},
		"[ authmod=adobe ] : ?reason=authfailed&opaque=AA==": {Scheme: auth.Adobe, Reason: auth.AuthFailed},
		"[ authmod=llnw ] : ?reason=authfail ":               {Scheme: auth.Limelight, Reason: auth.AuthFailed},
		"[ authmod=adobe ] : ?reason=nosuchuser":             {Scheme: auth.Adobe, Reason: auth.NoSuchUser},
	} {
		got, found, err := auth.ParseRejection(description)
		require.NoError(t, err, description)
		assert.True(t, found, description)
		assert.Equal(t, want, got, description)
	}
}

func TestParseRejectionOfSomethingElse(t *testing.T) {
	for _, description := range []string{
		"", "Connection failed.", "[ Server.Reject ] : (_defaultRoot_, _defaultVHost_) : Application (live) is not defined.",
		"code=403 need auth", "?reason=needauth&user=u&nonce=n", strings.Repeat("x", 1<<20),
	} {
		got, found, err := auth.ParseRejection(description)
		require.NoError(t, err)
		assert.False(t, found)
		assert.Zero(t, got)
	}
}

func TestParseRejectionMalformed(t *testing.T) {
	for description, want := range map[string]string{
		"authmod=": "auth: unknown authmod",
		"[ code=403 need auth; authmod=kerberos ] :": `auth: unknown authmod: "kerberos"`,
		"[ code=403 need auth; authmod=adobes ] :":   `auth: unknown authmod: "adobes"`,
		"[ code=403 need auth; authmod=ADOBE ] :":    `auth: unknown authmod: "ADOBE"`,
		"authmod=" + strings.Repeat("a", 1<<16):      "auth: unknown authmod",
		"authmod=adobe " + strings.Repeat("a", 4096): "auth: adobe: description over 4096 bytes",
		"authmod=adobe":                                  "auth: adobe: rejected without a reason",
		"authmod=llnw ?reason=":                          "auth: llnw: rejected without a reason",
		"authmod=llnw ?reason":                           "auth: llnw: rejected without a reason",
		"authmod=adobe ?reason=blocked":                  "auth: adobe: rejected for an unknown reason",
		"authmod=adobe ?reason=needauthentication":       "auth: adobe: rejected for an unknown reason",
		"authmod=adobe ?reason=needauth":                 "auth: adobe: challenge without a user",
		"authmod=adobe ?reason=needauth&user&salt=s":     "auth: adobe: challenge without a user",
		"authmod=adobe ?reason=needauth&user=&salt=s":    "auth: adobe: challenge without a user",
		"authmod=adobe ?reason=needauth&user=u&opaque=o": "auth: adobe: challenge without a salt",
		"authmod=llnw ?reason=needauth&nonce=n":          "auth: llnw: challenge without a user",
		"authmod=llnw ?reason=needauth&user=u":           "auth: llnw: challenge without a nonce",
		"authmod=llnw ?reason=needauth&user=u&nonce=":    "auth: llnw: challenge without a nonce",
	} {
		got, found, err := auth.ParseRejection(description)
		var failure *auth.Error
		require.ErrorAs(t, err, &failure, clipped(description))
		assert.True(t, found)
		assert.Zero(t, got)
		assert.Contains(t, err.Error(), want)
		assert.Less(t, len(err.Error()), 300)
	}
}

func clipped(s string) string { return s[:min(len(s), 80)] }

func FuzzParseRejection(f *testing.F) {
	f.Add("[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ")
	f.Add("[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=u&salt=s&challenge=c&opaque=o")
	f.Add("[ AccessManager.Reject ] : [ authmod=llnw ] : ?reason=needauth&user=u&nonce=n")
	f.Add("[ authmod=llnw ] : ?reason=authfail")
	f.Add("authmod=adobe ?reason=nosuchuser")
	f.Add("authmod=&=&&==?reason=")
	f.Fuzz(func(t *testing.T, description string) {
		r, found, err := auth.ParseRejection(description)
		assert.Equal(t, strings.Contains(description, "authmod="), found)
		if err != nil {
			assert.Zero(t, r)
			assert.Less(t, len(err.Error()), 1024)
		} else if found {
			assert.Contains(t, []auth.Scheme{auth.Adobe, auth.Limelight}, r.Scheme)
			assert.Contains(t, []auth.Reason{auth.NeedUser, auth.NeedResponse, auth.AuthFailed, auth.NoSuchUser}, r.Reason)
		}
		p := auth.Publisher{User: "usr", Password: "correct horse", App: "live"}
		for rounds := 0; ; rounds++ { // a server that always answers the same
			query, again, err := p.Next(description)
			if err != nil {
				assert.NotContains(t, strings.ReplaceAll(err.Error(), description, ""), "correct horse")
			}
			if !again {
				assert.Empty(t, query)
				return
			}
			assert.True(t, strings.HasPrefix(query, "?authmod="+string(r.Scheme)+"&user=usr"), query)
			require.Less(t, rounds, 2)
		}
	})
}
