package swf

import (
	"bytes"
	"context"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// site serves one player under /a/player.swf and answers conditional requests as a file server does.
type site struct {
	*httptest.Server
	url string // URL of the player

	mu       sync.Mutex
	file     []byte
	modified time.Time // zero means no Last-Modified
	requests []http.Header
}

func newSite(t *testing.T) *site {
	s := &site{file: plainPlayer(), modified: goldenModified}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	s.url = s.URL + "/a/player.swf"
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Header.Clone())
	if r.URL.Path != "/a/player.swf" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-shockwave-flash")
	http.ServeContent(w, r, "", s.modified, bytes.NewReader(s.file))
}

func (s *site) change(file []byte, modified time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.file, s.modified = file, modified
}

func (s *site) asked() []http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests
	s.requests = nil
	return r
}

func requireHash(t *testing.T, url string, o *Options, want string) {
	t.Helper()
	hash, size, err := Hash(t.Context(), url, o)
	require.NoError(t, err)
	assert.Equal(t, want, hex.EncodeToString(hash))
	assert.EqualValues(t, playerSize, size)
}

func TestHashIsCached(t *testing.T) {
	s := newSite(t)
	o := &Options{CacheFile: filepath.Join(t.TempDir(), "cache")}
	requireHash(t, s.url+"?session=1", o, playerHash)
	sent := s.asked()
	require.Len(t, sent, 1)
	assert.Equal(t, "Mozilla/5.0", sent[0].Get("User-Agent"))
	assert.Equal(t, s.URL+"/", sent[0].Get("Referer"))
	assert.Empty(t, sent[0].Get("If-Modified-Since"))

	requireHash(t, s.url+"?session=2#top", o, playerHash)
	assert.Empty(t, s.asked(), "a record of less than a month causes no request")
	requireHash(t, s.url, &Options{CacheFile: NoCache}, playerHash)
	assert.Len(t, s.asked(), 1)
}

func TestHashInHome(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the home directory is in another variable: see TestCachePath")
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	s := newSite(t)
	requireHash(t, s.url, nil, playerHash)
	requireHash(t, s.url, nil, playerHash)
	assert.Len(t, s.asked(), 1)
	assertOnly(t, home, ".swfinfo")
}

// TestAge checks that the use of a record depends on its age, on Options.Age and on the server's answer.
func TestAge(t *testing.T) {
	const day = 24 * time.Hour
	repacked := append(headerOf("FWS", 13, playerSize), testBody(1000)...) // its hash is zwsPlayerHash
	for name, test := range map[string]struct {
		known    time.Duration // time since the record was confirmed
		dated    bool          // whether the record has a Last-Modified
		age      time.Duration
		changed  bool
		requests int
		sent     string // If-Modified-Since
		hash     string
	}{
		"29 of 30 days":           {29 * day, true, 0, true, 0, "", playerHash},
		"31 of 30 days":           {31 * day, true, 0, false, 1, goldenModified.Format(http.TimeFormat), playerHash},
		"31 of 30 days, changed":  {31 * day, true, 0, true, 1, goldenModified.Format(http.TimeFormat), zwsPlayerHash},
		"31 of 32 days":           {31 * day, true, 32 * day, true, 0, "", playerHash},
		"3 hours of 2":            {3 * time.Hour, true, 2 * time.Hour, true, 1, goldenModified.Format(http.TimeFormat), zwsPlayerHash},
		"always":                  {0, true, -1, false, 1, goldenModified.Format(http.TimeFormat), playerHash},
		"always, changed":         {0, true, -1, true, 1, goldenModified.Format(http.TimeFormat), zwsPlayerHash},
		"always, no date":         {0, false, -1, false, 1, "", playerHash},
		"always, no date,changed": {0, false, -1, true, 1, "", zwsPlayerHash},
		"from the future":         {-day, true, 0, true, 1, goldenModified.Format(http.TimeFormat), zwsPlayerHash},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			c := cache{path: filepath.Join(t.TempDir(), "cache")}
			r := goldenRecord(t, s.url)
			r.checked = time.Now().Add(-test.known)
			if !test.dated {
				r.modified = time.Time{}
			}
			require.NoError(t, c.store(r))
			want := goldenModified
			if test.changed {
				want = goldenModified.Add(time.Hour)
				s.change(repacked, want)
			}

			before := time.Now().Truncate(time.Second)
			requireHash(t, s.url, &Options{CacheFile: c.path, Age: test.age}, test.hash)
			sent := s.asked()
			require.Len(t, sent, test.requests)
			if test.requests == 0 {
				return
			}
			assert.Equal(t, test.sent, sent[0].Get("If-Modified-Since"))
			got, err := c.lookup(s.url)
			require.NoError(t, err)
			assert.Equal(t, test.hash, hex.EncodeToString(got.hash[:]))
			assert.False(t, got.checked.Before(before), "the record is new again")
			assert.Equal(t, want, got.modified)
		})
	}
}

func TestServerWithoutDates(t *testing.T) {
	s := newSite(t)
	s.change(plainPlayer(), time.Time{})
	o := &Options{CacheFile: filepath.Join(t.TempDir(), "cache"), Age: -1}
	for range 2 {
		requireHash(t, s.url, o, playerHash)
		sent := s.asked()
		require.Len(t, sent, 1)
		assert.Empty(t, sent[0].Get("If-Modified-Since"))
	}
}

func TestPackedPlayers(t *testing.T) {
	s := newSite(t)
	for file, hash := range map[string]string{"player.cws": playerHash, "player.zws": zwsPlayerHash} {
		s.change(testdata(t, file), time.Time{})
		requireHash(t, s.url, &Options{CacheFile: NoCache}, hash)
	}
}

func TestRedirect(t *testing.T) {
	s := newSite(t)
	front := httptest.NewServer(http.RedirectHandler(s.url+"?secret", http.StatusFound))
	defer front.Close()
	requireHash(t, front.URL+"/p.swf", &Options{CacheFile: NoCache}, playerHash)

	still := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	_, _, err := Hash(t.Context(), front.URL+"/p.swf?mine", &Options{CacheFile: NoCache, Client: still})
	assert.EqualError(t, err, "swf: fetch: "+front.URL+"/p.swf: server answered with a redirect that is not followed: 302")

	loop := httptest.NewServer(nil)
	defer loop.Close()
	loop.Config.Handler = http.RedirectHandler(loop.URL+"/p.swf?secret", http.StatusMovedPermanently)
	_, _, err = Hash(t.Context(), loop.URL+"/p.swf?secret", &Options{CacheFile: NoCache})
	assert.EqualError(t, err, "swf: fetch: "+loop.URL+"/p.swf: stopped after 10 redirects")
}

func TestBadAnswers(t *testing.T) {
	cut := func(n int) http.HandlerFunc { // announces more bytes than it sends
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(playerSize))
			w.Write(plainPlayer()[:n])
		}
	}
	send := func(data []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush() // no Content-Length
			w.Write(data)
		}
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	const limit = 2000
	for name, test := range map[string]struct {
		answer      http.HandlerFunc
		phase, text string
	}{
		"404":                  {http.NotFound, PhaseFetch, "server answered with status: 404"},
		"403":                  {status(403), PhaseFetch, "server answered with status: 403"},
		"500":                  {status(500), PhaseFetch, "server answered with status: 500"},
		"204":                  {status(204), PhaseFetch, "server answered with status: 204"},
		"206":                  {status(206), PhaseFetch, "server answered with status: 206"},
		"304 unasked":          {status(304), PhaseFetch, "server answered with status: 304"},
		"cut off":              {cut(500), PhaseFetch, "unexpected EOF"},
		"cut off in header":    {cut(5), PhaseFetch, "unexpected EOF"},
		"hangs up":             {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, PhaseFetch, "EOF"},
		"cut off, no length":   {send(plainPlayer()[:500]), PhaseUnpack, "cut off, bytes missing: 508"},
		"packed, cut off":      {send(testdata(t, "player.cws")[:90]), PhaseUnpack, "damaged or cut off: unexpected EOF"},
		"empty":                {send(nil), PhaseUnpack, "shorter than a SWF header, bytes: 0"},
		"a page":               {send([]byte("<html>welcome</html>")), PhaseUnpack, "not a SWF, it begins with: 3c6874"},
		"too long":             {send(append(plainPlayer(), make([]byte, limit)...)), PhaseUnpack, "limit in bytes: 2000: larger than the limit"},
		"says it is too long":  {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "2001") }, PhaseFetch, "length in bytes: 2001: larger than the limit"},
		"a bomb":               {send(packCWS(t, playerSize, make([]byte, 100_000))), PhaseUnpack, "larger than the limit"},
		"a bomb, packed twice": {gzipped(t, append(plainPlayer(), make([]byte, 1<<20)...)), PhaseUnpack, "larger than the limit"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(test.answer)
			defer server.Close()
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			address := server.URL + "/player.swf"
			c := cache{path: filepath.Join(t.TempDir(), "cache")}
			r := goldenRecord(t, address)
			r.modified = time.Time{}
			r.checked = r.checked.Add(-1000 * time.Hour)
			require.NoError(t, c.store(r))

			withUser := strings.Replace(address, "://", "://me:passw0rd@", 1)
			hash, _, err := Hash(t.Context(), withUser+"?token=t0ken#frag", &Options{CacheFile: c.path, MaxSize: limit, Age: -1})
			var e *Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, test.phase, e.Phase)
			assert.Equal(t, address, e.Source)
			assert.ErrorContains(t, err, test.text)
			for _, secret := range []string{"me:", "passw0rd", "t0ken", "frag"} {
				assert.NotContains(t, err.Error(), secret)
			}
			assert.Nil(t, hash)
			kept, err := c.lookup(address)
			require.NoError(t, err)
			assert.Equal(t, r, kept)
		})
	}
}

func gzipped(t *testing.T, data []byte) http.HandlerFunc {
	packed := gzipBytes(t, data)
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(packed)
	}
}

func TestUserInfo(t *testing.T) {
	s := newSite(t)
	path := filepath.Join(t.TempDir(), "cache")
	requireHash(t, strings.Replace(s.url, "://", "://me:secret@", 1)+"?k=secret", &Options{CacheFile: path}, playerHash)
	sent := s.asked()
	require.Len(t, sent, 1)
	user, password, _ := (&http.Request{Header: sent[0]}).BasicAuth()
	assert.Equal(t, "me:secret", user+":"+password)
	assert.Equal(t, s.URL+"/", sent[0].Get("Referer"))
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Contains(t, string(file), "url: "+s.url+"\n")
	assert.NotContains(t, string(file), "secret")
}

func TestContext(t *testing.T) {
	started := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write(plainPlayer()[:500])
		w.(http.Flusher).Flush()
		started <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()
	o := &Options{CacheFile: NoCache}
	check := func(err, cause error) {
		t.Helper()
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, PhaseFetch, e.Phase)
		assert.ErrorIs(t, err, cause)
	}

	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-started
		cancel()
	}()
	_, _, err := Hash(ctx, server.URL+"/p.swf", o)
	check(err, context.Canceled)

	_, _, err = Hash(ctx, server.URL+"/p.swf", o)
	check(err, context.Canceled)
	file := filepath.Join("testdata", "player.cws")
	_, _, err = Hash(ctx, file, o)
	check(err, context.Canceled)

	late, cancelLate := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancelLate()
	_, _, err = Hash(late, server.URL+"/p.swf", o)
	check(err, context.DeadlineExceeded)
}

// TestUnusableCacheIsLogged checks that an unusable cache causes a download and a log message, but no error.
func TestUnusableCacheIsLogged(t *testing.T) {
	s := newSite(t)
	var log bytes.Buffer
	o := &Options{CacheFile: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, nil))}
	for range 2 {
		requireHash(t, s.url, o, playerHash)
	}
	assert.Len(t, s.asked(), 2)
	assert.Equal(t, 4, strings.Count(log.String(), "swf: cache: "+o.CacheFile+": not a regular file"), log.String())
}

func TestLongestPlayer(t *testing.T) {
	s := newSite(t)
	o := &Options{CacheFile: NoCache, MaxSize: uint32(len(s.file))}
	_, size, err := Hash(t.Context(), s.url, o)
	require.NoError(t, err)
	require.Equal(t, o.MaxSize, size)
	o.MaxSize--
	_, _, err = Hash(t.Context(), s.url, o)
	require.ErrorIs(t, err, ErrTooLarge)
}
