package swf

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// target is the location of a player: url, or the file called name if url is nil.
type target struct {
	url  *url.URL
	name string // the path of the file, or the URL without query, fragment and user info, for the cache and for errors
}

func parseTarget(raw string) (target, error) {
	invalid := func(detail string) error { return &Error{Phase: PhaseFetch, Detail: detail} }
	scheme, _, found := strings.Cut(raw, ":")
	switch scheme = strings.ToLower(scheme); {
	case raw == "":
		return target{}, invalid("no URL")
	case found && (scheme == "http" || scheme == "https"):
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" {
			return target{}, invalid("not a valid URL") // rawURL and err may contain secrets
		}
		return target{url: u, name: publicName(raw)}, nil
	case found && scheme == "file":
		path, ok := filePath(raw)
		if !ok {
			return target{}, invalid("not a file URL of this machine")
		}
		return target{name: path}, nil
	case strings.Contains(raw, "://"):
		return target{}, invalid("unknown scheme: it must be http, https or file")
	}
	return target{name: raw}, nil
}

// publicName shortens a valid URL as librtmp does for its cache, and also removes user and password.
func publicName(raw string) string {
	raw, _, _ = strings.Cut(raw, "#")
	raw, _, _ = strings.Cut(raw, "?")
	scheme, rest, _ := strings.Cut(raw, "://")
	authority, path, hasPath := strings.Cut(rest, "/")
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	if hasPath {
		path = "/" + path
	}
	return scheme + "://" + authority + path
}

func filePath(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Path == "" || (u.Host != "" && !strings.EqualFold(u.Host, "localhost")) {
		return "", false
	}
	path := u.Path
	if runtime.GOOS == "windows" {
		path = drivePath(path)
	}
	return filepath.FromSlash(path), true
}

// drivePath removes the slash before a Windows drive letter.
func drivePath(path string) string {
	if len(path) > 2 && path[2] == ':' {
		return path[1:]
	}
	return path
}

func openAndSum(ctx context.Context, path string, limit uint32) ([]byte, uint32, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, 0, &Error{Phase: PhaseFetch, Err: err}
	}
	defer f.Close()
	return sum(ctx, f, limit)
}

// openRegular refuses pipes and devices, since even opening one may block forever.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	return os.Open(path)
}

// fetch downloads the player and returns its record. The parameter cached is the record in the cache, or the zero record if there is none.
// If the server answers that the player has not changed, fetch returns cached with a new time of confirmation.
func fetch(ctx context.Context, o *Options, t target, cached record) (record, error) {
	failed := func(detail string, value any, err error) error {
		return &Error{Phase: PhaseFetch, Detail: detail, Value: value, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url.String(), nil)
	if err != nil {
		return record{}, failed("not a valid URL", nil, nil)
	}
	// librtmp sends these headers, since some servers give their player only to a browser that comes from their own pages.
	req.Header.Set("User-Agent", "Mozilla/5.0")
	req.Header.Set("Referer", t.url.Scheme+"://"+t.url.Host+"/")
	conditional := !cached.modified.IsZero()
	if conditional {
		req.Header.Set("If-Modified-Since", cached.modified.UTC().Format(http.TimeFormat))
	}

	resp, err := o.Client.Do(req)
	if err != nil {
		if e := (*url.Error)(nil); errors.As(err, &e) {
			err = e.Err // err contains the URL with its query
		}
		return record{}, failed("", nil, err)
	}
	defer resp.Body.Close()
	switch status := resp.StatusCode; {
	case status == http.StatusOK:
	case status == http.StatusNotModified && conditional:
		cached.checked = time.Now()
		return cached, nil
	case status/100 == 3 && status != http.StatusNotModified:
		return record{}, failed("server answered with a redirect that is not followed", status, nil)
	default:
		return record{}, failed("server answered with status", status, nil)
	}
	if resp.ContentLength > int64(o.MaxSize) {
		return record{}, failed("length in bytes", resp.ContentLength, ErrTooLarge)
	}
	hash, size, err := sum(ctx, resp.Body, o.MaxSize)
	if err != nil {
		return record{}, err
	}
	modified := parseTime(resp.Header.Get("Last-Modified"))
	return record{url: t.name, checked: time.Now(), modified: modified, size: size, hash: [32]byte(hash)}, nil
}
