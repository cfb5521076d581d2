package swf

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// NoCache as Options.CacheFile switches the cache off.
const NoCache = "none"

const (
	defaultAge     = 30 * 24 * time.Hour // librtmp's
	defaultTimeout = 2 * time.Minute     // for a fetch without a Client, so that a forgotten deadline cannot hang
)

// Options are the settings of [Hash]. Every zero value works.
type Options struct {
	// Client fetches the file, and decides about redirects, proxies and TLS. Nil: one with [http.DefaultTransport] that
	// follows up to ten redirects and gives up after two minutes.
	Client *http.Client

	// Age is for how long a cached hash is used without asking the server. 0: 30 days, negative: it is always asked.
	Age time.Duration

	// CacheFile is where hashes are kept from one run to the next, in librtmp's format. "": librtmp's own file, .swfinfo in
	// the home directory, so that rtmpdump's downloads count here and the other way round. [NoCache]: nowhere.
	//
	// As in librtmp, a URL's query is no part of the name a hash is kept under. Use NoCache or another file where the query
	// selects the player, or where librtmp uses the same file for two players of one name at one host: it confuses them.
	CacheFile string

	// MaxSize is the largest player accepted, in bytes, packed and unpacked. 0: [DefaultMaxSize].
	MaxSize uint32

	// Logger is told, as warnings, of a cache that could not be read or written, for that is no reason to fail. Nil: silent.
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
// [Sum] for what is hashed. A nil o means defaults.
//
// Hashes of http and https URLs are cached. A hash older than Options.Age is confirmed with If-Modified-Since, which costs
// the server's answer but not the file. Errors are [*Error], of [PhaseFetch] or [PhaseUnpack]; they wrap the context's error
// when ctx has ended. A file that the server no longer has is an error even if its hash is known.
func Hash(ctx context.Context, rawURL string, o *Options) (hash []byte, size uint32, err error) {
	opts := o.withDefaults()
	t, err := parseTarget(rawURL)
	if err != nil {
		return nil, 0, err
	}
	if t.url == nil {
		hash, size, err = openAndSum(ctx, t.name, opts.MaxSize)
		return hash, size, named(err, t.name)
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
		return nil, 0, named(err, t.name)
	}
	if err := c.store(current); err != nil {
		opts.Logger.WarnContext(ctx, "SWF hash not cached", "error", err)
	}
	return current.hash[:], current.size, nil
}

// named puts the source into an error that was made where it was not known.
func named(err error, source string) error {
	if e := (*Error)(nil); errors.As(err, &e) && e.Source == "" {
		e.Source = source
	}
	return err
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
