package auth_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/auth"
)

const (
	adobeNeedsUser     = "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : "
	adobeNeedsResponse = "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=usr&salt=SALT==&challenge=CHAL==&opaque=OPAQ=="
	adobeChallengeOnly = "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=usr&salt=SALT==&challenge=CHAL=="
	llnwNeedsUser      = "[ AccessManager.Reject ] : [ code=403 need auth; authmod=llnw ] : "
	llnwNeedsResponse  = "[ AccessManager.Reject ] : [ authmod=llnw ] : ?reason=needauth&user=usr&nonce=NONCE1"
)

func publisher() auth.Publisher {
	return auth.Publisher{User: "usr", Password: "pwd", App: "app", Rand: strings.NewReader("\x01\x23\x45\x67")}
}

// TestPublisherAnswers compares the queries with those of FFmpeg and librtmp.
func TestPublisherAnswers(t *testing.T) {
	const limelight = "?authmod=llnw&user=usr&nonce=NONCE1&cnonce=01234567&nc=00000001&response=358dba73b570e69eafc95fc086524ca3"
	const opaque = "?authmod=adobe&user=usr&challenge=01234567&response=qw2KeRXFfsCGoYKVS2OXqA==&opaque=OPAQ=="
	const plain = "?authmod=adobe&user=usr&challenge=01234567&response=IoHLF9LrBB9iFQtu/tjtuA==&opaque="
	for name, test := range map[string]struct {
		app          string
		descriptions []string
		want         []string
	}{
		"adobe":                          {"app", []string{adobeNeedsUser, adobeNeedsResponse}, []string{"?authmod=adobe&user=usr", opaque}},
		"adobe without opaque":           {"app", []string{adobeNeedsUser, adobeChallengeOnly}, []string{"?authmod=adobe&user=usr", plain}},
		"adobe with an empty opaque":     {"app", []string{adobeChallengeOnly + "&opaque="}, []string{plain}},
		"challenge at once":              {"app", []string{adobeNeedsResponse}, []string{opaque}},
		"limelight":                      {"app", []string{llnwNeedsUser, llnwNeedsResponse}, []string{"?authmod=llnw&user=usr", limelight}},
		"limelight, app with a query":    {"app?x=1/2", []string{llnwNeedsResponse}, []string{limelight}},
		"limelight, app with instance":   {"app/_definst_", []string{llnwNeedsResponse}, []string{limelight}},
		"another scheme in second round": {"app", []string{adobeNeedsUser, llnwNeedsResponse}, []string{"?authmod=adobe&user=usr", limelight}},
	} {
		t.Run(name, func(t *testing.T) {
			p := publisher()
			p.App = test.app
			for i, description := range test.descriptions {
				query, again, err := p.Next(description)
				require.NoError(t, err)
				assert.True(t, again)
				assert.Equal(t, test.want[i], query)
			}
		})
	}
}

func TestPublisherGivesUp(t *testing.T) {
	for name, test := range map[string]struct {
		before      []string // rejections before the last one, which Next answers
		description string
		cause       error
		text        string
	}{
		"no such user":    {[]string{adobeNeedsUser}, "[ authmod=adobe ] : ?reason=nosuchuser", auth.ErrRefused, `adobe: no such user: "usr"`},
		"wrong password":  {[]string{adobeNeedsUser, adobeNeedsResponse}, "[ authmod=adobe ] : ?reason=authfailed", auth.ErrRefused, `adobe: wrong password for user: "usr"`},
		"limelight's":     {[]string{llnwNeedsUser, llnwNeedsResponse}, "[ authmod=llnw ] : ?reason=authfail", auth.ErrRefused, `llnw: wrong password for user: "usr"`},
		"user twice":      {[]string{adobeNeedsUser}, adobeNeedsUser, auth.ErrRefused, "asked again"},
		"challenge twice": {[]string{adobeNeedsUser, adobeNeedsResponse}, adobeNeedsResponse, auth.ErrRefused, "asked again"},
		"back to start":   {[]string{llnwNeedsUser, llnwNeedsResponse}, llnwNeedsUser, auth.ErrRefused, "asked again"},
		"other scheme":    {[]string{adobeNeedsUser, adobeNeedsResponse}, llnwNeedsResponse, auth.ErrRefused, "llnw: asked again"},
		"unknown scheme":  {nil, "[ code=403 need auth; authmod=other ] : ", nil, `unknown authmod: "other"`},
		"no nonce":        {[]string{llnwNeedsUser}, "[ authmod=llnw ] : ?reason=needauth&user=usr", nil, "challenge without a nonce"},
	} {
		t.Run(name, func(t *testing.T) {
			p := publisher()
			for _, description := range test.before {
				_, again, err := p.Next(description)
				require.NoError(t, err)
				require.True(t, again)
			}
			query, again, err := p.Next(test.description)
			var failure *auth.Error
			require.ErrorAs(t, err, &failure)
			assert.False(t, again)
			assert.Empty(t, query)
			assert.Equal(t, test.cause, errors.Unwrap(err))
			assert.Contains(t, err.Error(), test.text)
			assert.NotContains(t, err.Error(), "pwd")
		})
	}
}

func TestPublisherWithoutCredentials(t *testing.T) {
	for _, p := range []auth.Publisher{{}, {User: "usr"}, {Password: "pwd"}} {
		_, again, err := p.Next(adobeNeedsUser)
		require.ErrorIs(t, err, auth.ErrNoCredentials)
		assert.False(t, again)
		_, again, err = p.Next("Application is not defined.")
		require.NoError(t, err, "not about authentication")
		assert.False(t, again)
	}
}

func TestPublisherWithoutRandomness(t *testing.T) {
	broken := errors.New("broken")
	p := publisher()
	p.Rand = iotest.ErrReader(broken)
	_, again, err := p.Next(adobeNeedsResponse)
	require.ErrorIs(t, err, broken)
	assert.False(t, again)
}

func ExamplePublisher() {
	server := auth.Server{Scheme: auth.Limelight, Users: map[string]string{"alice": "secret"}}
	p := auth.Publisher{User: "alice", Password: "secret", App: "live"}
	for app := p.App; ; {
		name, rejection, err := server.Verify(app) // a real client dials and connects with app here
		if err != nil {
			fmt.Println(err)
			return
		}
		if rejection == "" {
			fmt.Println("connected to", name)
			return
		}
		query, again, err := p.Next(rejection)
		if err != nil || !again {
			fmt.Println(rejection, err)
			return
		}
		app = p.App + query
		fmt.Println(strings.Count(query, "&"), "parameters more")
	}
	// Output:
	// 1 parameters more
	// 5 parameters more
	// connected to live
}
