package swf

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// NoCache is a value of Options.CacheFile that disables the cache.
const NoCache = "none"

const (
	defaultAge     = 30 * 24 * time.Hour // librtmp's
	defaultTimeout = 2 * time.Minute     // limits a download without a Client, in case ctx has no deadline
)

// Options are the options of [Hash]. The zero value is ready to use.
type Options struct {
	// Client downloads the file. Nil means a client with [http.DefaultTransport] that follows up to ten redirects and gives up
	// after two minutes.
	Client *http.Client

	// Age is how long a cached hash is used without asking the server. 0 means 30 days. If it is negative the server is always asked.
	Age time.Duration

	// CacheFile is the file in which hashes are cached, in librtmp's format. "" means .swfinfo in the home directory, which
	// librtmp and rtmpdump use too. [NoCache] disables the cache.
	//
	// As in librtmp, a hash is stored under the URL without its query. Use NoCache or another file if the query selects the
	// player, or if librtmp uses the same file for two players with the same name on one host: it confuses them.
	CacheFile string

	// MaxSize is the largest player to accept, in bytes, both packed and unpacked. 0 means [DefaultMaxSize].
	MaxSize uint32

	// Logger receives a warning if the cache can't be read or written, which is not an error. Nil means no logging.
	Logger *slog.Logger
}

func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if c.Client == nil {
		c.Client = &http.Client{Timeout: defaultTimeout}
	}
	if c.Age == 0 {
		c.Age = defaultAge
	}
	if c.MaxSize == 0 {
		c.MaxSize = DefaultMaxSize
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Hash returns the hash, 32 bytes, and the size in bytes of the player at rawURL: an http, https or file URL, or a path. See
// [Sum] for the definition of the hash. A nil o means the defaults.
//
// Hashes of http and https URLs are cached. A hash older than Options.Age is confirmed with If-Modified-Since, which avoids a
// download. A file that the server no longer has is an error even if its hash is cached. Errors are of type [*Error] with
// [PhaseFetch] or [PhaseUnpack], and wrap ctx's error when ctx is done.
func Hash(ctx context.Context, rawURL string, o *Options) (hash []byte, size uint32, err error) {
	opts := o.withDefaults()
	t, err := parseTarget(rawURL)
	if err != nil {
		return nil, 0, err
	}
	if t.url == nil {
		hash, size, err = openAndSum(ctx, t.name, opts.MaxSize)
		return hash, size, withSource(err, t.name)
	}

	c := cache{path: cachePath(opts.CacheFile)}
	known, err := c.lookup(t.name)
	if err != nil {
		opts.Logger.WarnContext(ctx, "SWF hash cache not used", "error", err)
	}
	if known.fresh(time.Now(), opts.Age) {
		return known.hash[:], known.size, nil
	}
	current, err := fetch(ctx, &opts, t, known)
	if err != nil {
		return nil, 0, withSource(err, t.name)
	}
	if err := c.store(current); err != nil {
		opts.Logger.WarnContext(ctx, "SWF hash not cached", "error", err)
	}
	return current.hash[:], current.size, nil
}

// withSource adds the source to an error that lacks it.
func withSource(err error, source string) error {
	if e := (*Error)(nil); errors.As(err, &e) && e.Source == "" {
		e.Source = source
	}
	return err
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
