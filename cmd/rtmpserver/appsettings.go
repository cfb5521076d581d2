package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/go-librtmp/rtmp/cmd/rtmpserver/internal/edge"
	"github.com/go-librtmp/rtmp/cmd/rtmpserver/internal/hooks"
	"github.com/go-librtmp/rtmp/server"
)

// appSettings are the settings of an application.
type appSettings struct {
	root                string
	record, recordAsked bool
	recordName          string
	recordMaxSize       size
	recordMaxTime       time.Duration
	minFree, maxTotal   size
	asFast              bool
	sharedDir           string

	takeover                server.TakeoverPolicy
	staleAfter, publishIdle time.Duration
	linger, await           time.Duration
	maxBitrate              bitRate
	noCache                 bool
	backlog                 size
	backlogTime, merge      time.Duration

	users       accounts
	authScheme  string
	keys        string
	allow, deny prefixes
	secureToken string
	swfHash     hash
	swfSize     uint32

	hook        []string
	hookTimeout time.Duration
	hookDown    string

	pull     string
	pullIdle time.Duration
	maxPulls int
	push     []string
}

// clone returns a copy that may be modified.
func (a *appSettings) clone() *appSettings {
	c := *a
	c.users = maps.Clone(a.users)
	c.allow, c.deny, c.push = slices.Clone(a.allow), slices.Clone(a.deny), slices.Clone(a.push)
	c.hook = slices.Clone(a.hook)
	return &c
}

func (a *appSettings) groups() []group {
	return []group{
		{"Files", a.files}, {"Live streams", a.live}, {"Access", a.access}, {"Hooks", a.asking}, {"Other servers", a.edge},
	}
}

// These functions define the options. The current values of the settings are the defaults. For an application, these are the global
// settings.

func (a *appSettings) files(set *pflag.FlagSet) {
	set.StringVarP(&a.root, "root", "r", a.root,
		"serve the FLV files in this `folder`: app/name plays app/name.flv; without it there are no files")
	set.BoolVarP(&a.record, "record", "k", a.record,
		"record everything that is published, and everything that --pull fetches, under --root")
	set.BoolVar(&a.recordAsked, "record-asked", a.recordAsked, "record streams that are published with type record or append, under --root")
	set.StringVar(&a.recordName, "record-name", a.recordName,
		"file `name` of a recording, made of {app}, {name}, {path}, {user} and {time}; -2, -3 and so on are added if the file exists; "+
			"with the default, {path}, a client that publishes with type record replaces its file, and continues it with type append")
	set.Var(&a.recordMaxSize, "record-max-size",
		"start a new file after this size: name-2, name-3 and so on, unless --record-name gives it another name (0: never)")
	set.DurationVar(&a.recordMaxTime, "record-max-time", a.recordMaxTime, "start a new file after this `time`, as for --record-max-size")
	set.Var(&a.minFree, "record-min-free", "record nothing if less than this is free on the disk (100M)")
	set.Var(&a.maxTotal, "record-max-total", "record nothing if --root contains more than this (0: no limit)")
	set.BoolVar(&a.asFast, "as-fast", a.asFast, "send files as fast as clients read, regardless of the buffer length that they announce")
	set.StringVar(&a.sharedDir, "shared-dir", a.sharedDir, "keep persistent shared objects in this `folder`")
}

func (a *appSettings) live(set *pflag.FlagSet) {
	set.Var(choice[server.TakeoverPolicy]{&a.takeover, []string{"stale", "never", "always"},
		[]server.TakeoverPolicy{server.TakeStale, server.TakeNever, server.TakeAlways}}, "takeover",
		"who may publish a name that is in use; stale: the same user or address, and anyone once its publisher is silent")
	set.DurationVar(&a.staleAfter, "stale-after", a.staleAfter, "consider a publisher silent after this `time` (5s)")
	set.DurationVar(&a.publishIdle, "publish-idle", a.publishIdle, "drop a publisher that sends no media for this `time` (30s; with --pull: never)")
	set.DurationVar(&a.linger, "linger", a.linger, "keep players for this `time` after the publisher has left (5s)")
	set.DurationVar(&a.await, "await", a.await, "let players wait for a publisher for this `time` (0: forever; -1s: not at all)")
	set.Var(&a.maxBitrate, "max-bitrate", "drop a publisher that sends more `bit/s` than this over 10 s, such as 800K or 2M (0: no limit)")
	set.BoolVar(&a.noCache, "no-cache", a.noCache, "start players with the next key frame instead of the last")
	set.Var(&a.backlog, "backlog", "memory of a stream, for late joiners and slow players together (8M)")
	set.DurationVar(&a.backlogTime, "backlog-time", a.backlogTime, "drop messages older than this `time` from that memory (10s)")
	set.DurationVar(&a.merge, "merge", a.merge, "gather media for this `time` before sending it to players: saves CPU, adds delay (0: do not)")
}

func (a *appSettings) access(set *pflag.FlagSet) {
	set.Var(&a.users, "user", "who may publish, by Adobe's or Limelight's authentication; may be repeated")
	set.Var(oneOf(&a.authScheme, "adobe", "llnw"), "auth-scheme", "authentication scheme of --user")
	set.StringVar(&a.keys, "keys", a.keys, "require publishers to have a key from this `file`; see FILES")
	set.Var(&a.allow, "allow", "serve only clients in this network; may be repeated")
	set.Var(&a.deny, "deny", "refuse clients in this network, even if --allow has it; may be repeated")
	set.StringVar(&a.secureToken, "secure-token", a.secureToken, "require players to answer a SecureToken challenge with this `key`")
	set.Var(&a.swfHash, "swf-hash", "require players to be the SWF with this SHA-256, decompressed")
	set.Uint32Var(&a.swfSize, "swf-size", a.swfSize, "and with this size in `bytes`, decompressed")
}

func (a *appSettings) asking(set *pflag.FlagSet) {
	set.StringArrayVar(&a.hook, "hook", a.hook,
		"post SRS's HTTP callbacks to this `URL`; status 200 with 0 or {\"code\":0} allows on_connect, on_publish and on_play; the others, on_close, "+
			"on_unpublish, on_stop and on_dvr, are notifications; on_publish=URL is for that callback alone; may be repeated")
	set.DurationVar(&a.hookTimeout, "hook-timeout", a.hookTimeout, "`time` that the program at --hook has to answer")
	set.Var(oneOf(&a.hookDown, "deny", "allow"), "hook-down",
		"what to do if --hook can't be reached, is late, or answers with a status of 500 or more")
}

func (a *appSettings) edge(set *pflag.FlagSet) {
	set.StringVar(&a.pull, "pull", a.pull, "fetch streams from this `URL` while they have players, such as rtmp://origin/live/; the stream's name is added, "+
		"and its application if the URL has none")
	set.DurationVar(&a.pullIdle, "pull-idle", a.pullIdle, "keep a fetched stream for this `time` after its last player")
	set.IntVar(&a.maxPulls, "max-pulls", a.maxPulls, "maximum `number` of streams fetched at once; beyond it, the oldest of those that do not "+
		"exist are dropped, or the player is refused")
	set.StringArrayVar(&a.push, "push", a.push, "also publish the streams of clients at this `URL`, to which names are added as for --pull; may be repeated")
}

// check returns an error if the settings contradict each other.
func (a *appSettings) check() error {
	switch {
	case (a.record || a.recordAsked || a.recordName != "") && a.root == "":
		return errors.New("recording needs --root")
	case a.record && a.pull != "" && !strings.Contains(a.recordName, "{time}"):
		return errors.New("--record with --pull needs a --record-name with {time}: a recording with the stream's own name would be played instead " +
			"of fetching the stream")
	case a.record && a.recordAsked:
		return errors.New("--record includes --record-asked: use only one of them")
	case (len(a.swfHash) == 0) != (a.swfSize == 0):
		return errors.New("--swf-hash and --swf-size need each other")
	case a.hookTimeout <= 0 || a.hookTimeout >= server.PublishTimeout:
		return fmt.Errorf("--hook-timeout must be more than 0 and less than %s, after which the server refuses", server.PublishTimeout)
	case a.pull != "" && a.await < 0:
		return errors.New("--pull needs players that wait, since a stream is fetched for its first player: --await must not be negative")
	}
	if err := checkRecordName(a.recordName); err != nil {
		return fmt.Errorf("--record-name: %w", err)
	}
	if _, err := a.hookURLs(); err != nil {
		return fmt.Errorf("--hook: %w", err)
	}
	if a.pull != "" {
		if err := edge.Check(a.pull); err != nil {
			return fmt.Errorf("--pull: %w", err)
		}
	}
	for _, url := range a.push {
		if err := edge.Check(url); err != nil {
			return fmt.Errorf("--push: %w", err)
		}
	}
	return nil
}

// hookURLs returns the URLs of --hook.
func (a *appSettings) hookURLs() (hooks.URLs, error) {
	urls := make(hooks.URLs)
	for _, text := range a.hook {
		if err := urls.Add(text); err != nil {
			return nil, err
		}
	}
	return urls, nil
}
