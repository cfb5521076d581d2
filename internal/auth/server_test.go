package auth_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/auth"
)

var users = map[string]string{"usr": "pwd", "other": "pwd"}

func verify(t *testing.T, s *auth.Server, app string) (rejection string) {
	t.Helper()
	name, rejection, err := s.Verify(app)
	require.NoError(t, err)
	want, _, _ := strings.Cut(app, "?authmod=")
	assert.Equal(t, want, name)
	return rejection
}

// queries returns the two queries that p appends to p.App. s has answered the first with a challenge, and has not received the second, the
// response.
func queries(t *testing.T, s *auth.Server, p *auth.Publisher) (first, second string) {
	t.Helper()
	first, again, err := p.Next(verify(t, s, p.App))
	require.NoError(t, err)
	require.True(t, again)
	second, again, err = p.Next(verify(t, s, p.App+first))
	require.NoError(t, err)
	require.True(t, again)
	return first, second
}

func TestServerVerifies(t *testing.T) {
	for _, scheme := range []auth.Scheme{auth.Adobe, auth.Limelight} {
		for _, app := range []string{"live", "live/instance", "live?x=1", ""} {
			t.Run(string(scheme)+" "+app, func(t *testing.T) {
				s := &auth.Server{Scheme: scheme, Users: users}
				p := &auth.Publisher{User: "usr", Password: "pwd", App: app}
				_, second := queries(t, s, p)
				assert.Empty(t, verify(t, s, app+second))
			})
		}
	}
}

func TestServerRejects(t *testing.T) {
	wrong := map[auth.Scheme]string{auth.Adobe: "?reason=authfailed", auth.Limelight: "?reason=authfail"}
	for _, scheme := range []auth.Scheme{auth.Adobe, auth.Limelight} {
		t.Run(string(scheme), func(t *testing.T) {
			s := &auth.Server{Scheme: scheme, Users: users}
			right := auth.Publisher{User: "usr", Password: "pwd", App: "live"}
			start := "[ AccessManager.Reject ] : [ code=403 need auth; authmod=" + string(scheme) + " ] : "

			p := right
			_, second := queries(t, s, &p)
			assert.Empty(t, verify(t, s, "live"+second))
			assert.True(t, strings.HasSuffix(verify(t, s, "live"+second), wrong[scheme]), "a replay")

			p = right
			_, second = queries(t, s, &p)
			bad := strings.Replace(second, "response=", "response=x", 1)
			assert.True(t, strings.HasSuffix(verify(t, s, "live"+bad), wrong[scheme]))
			assert.True(t, strings.HasSuffix(verify(t, s, "live"+second), wrong[scheme]), "one answer for a challenge")

			p = right
			_, second = queries(t, s, &p)
			stolen := strings.Replace(second, "user=usr", "user=other", 1)
			assert.True(t, strings.HasSuffix(verify(t, s, "live"+stolen), wrong[scheme]), "another's challenge")

			p = auth.Publisher{User: "usr", Password: "guess", App: "live"}
			_, second = queries(t, s, &p)
			_, again, err := p.Next(verify(t, s, "live"+second))
			require.ErrorIs(t, err, auth.ErrRefused)
			assert.False(t, again)
			assert.NotContains(t, err.Error(), "guess")

			p = auth.Publisher{User: "nobody", Password: "pwd", App: "live"}
			first, _, err := p.Next(verify(t, s, "live"))
			require.NoError(t, err)
			_, _, err = p.Next(verify(t, s, "live"+first))
			assert.ErrorContains(t, err, `no such user: "nobody"`)

			for _, app := range []string{"live", "live?authmod=", "live?authmod=other&user=usr", "live?user=usr", "",
				"live?authmod=" + string(scheme) + strings.Repeat("&", 4096)} {
				assert.Equal(t, start, verify(t, s, app))
			}
			for _, app := range []string{"live?authmod=%&response=", "live?authmod=%&user=", "live?authmod=%&user"} {
				rejection := verify(t, s, strings.Replace(app, "%", string(scheme), 1))
				assert.True(t, strings.HasSuffix(rejection, "?reason=nosuchuser"), rejection)
			}
			guess := "live?authmod=" + string(scheme) + "&user=usr&response=&nonce=&opaque="
			assert.True(t, strings.HasSuffix(verify(t, s, guess), wrong[scheme]))
		})
	}
}

func TestServerLimelightApp(t *testing.T) {
	s := &auth.Server{Scheme: auth.Limelight, Users: users}
	_, second := queries(t, s, &auth.Publisher{User: "usr", Password: "pwd", App: "live"})
	assert.True(t, strings.HasSuffix(verify(t, s, "vod"+second), "?reason=authfail"))
}

// TestServerForgetsChallenges checks that a client can't fill the memory with challenges. Other clients may then have to ask again.
func TestServerForgetsChallenges(t *testing.T) {
	s := &auth.Server{Scheme: auth.Limelight, Users: users}
	seen := make(map[string]bool)
	var answers []string
	for range 3000 {
		p := &auth.Publisher{User: "usr", Password: "pwd", App: "live", Rand: strings.NewReader("\x01\x23\x45\x67")}
		query, _, err := p.Next(verify(t, s, "live?authmod=llnw&user=usr"))
		require.NoError(t, err)
		assert.False(t, seen[query], "the same challenge twice")
		seen[query] = true
		answers = append(answers, query)
	}
	accepted := 0
	for _, query := range answers {
		if verify(t, s, "live"+query) == "" {
			accepted++
		}
	}
	assert.Equal(t, 1024, accepted)
}

func TestServerWithoutRandomness(t *testing.T) {
	broken := errors.New("broken")
	s := &auth.Server{Scheme: auth.Adobe, Users: users, Rand: iotest.ErrReader(broken)}
	_, rejection, err := s.Verify("live?authmod=adobe&user=usr")
	require.ErrorIs(t, err, broken)
	assert.Empty(t, rejection)
}

func TestServerConcurrently(t *testing.T) {
	s := &auth.Server{Scheme: auth.Adobe, Users: users}
	var clients sync.WaitGroup
	results := make([]string, 8)
	for i := range results {
		clients.Go(func() {
			p := auth.Publisher{User: "usr", Password: "pwd", App: "live"}
			query := ""
			for range 3 {
				_, results[i], _ = s.Verify("live" + query)
				query, _, _ = p.Next(results[i])
			}
		})
	}
	clients.Wait()
	for _, rejection := range results {
		assert.Empty(t, rejection)
	}
}
