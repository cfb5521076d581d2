package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/go-librtmp/rtmp/cmd/rtmpserver/internal/edge"
	"github.com/go-librtmp/rtmp/cmd/rtmpserver/internal/hooks"
	"github.com/go-librtmp/rtmp/server"
)

// appSettings are those of an application.
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
	maxBitrate              int
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

// publishTimeout is how long package server waits for a decision.
const publishTimeout = 10 * time.Second

// clone is a copy that may be changed.
func (a *appSettings) clone() *appSettings {
	c := *a
	c.users = maps.Clone(a.users)
	c.allow, c.deny, c.push = slices.Clone(a.allow), slices.Clone(a.deny), slices.Clone(a.push)
	c.hook = slices.Clone(a.hook)
	return &c
}

func (a *appSettings) groups() []group {
	return []group{
		{"Files", a.files}, {"Live streams", a.live}, {"Who may do what", a.access}, {"Hooks", a.asking}, {"Other servers", a.edge},
	}
}

// The present values are the defaults: those of an application are the ones for all.

func (a *appSettings) files(set *pflag.FlagSet) {
	set.StringVarP(&a.root, "root", "r", a.root, "play the FLV files in this `folder`: app/name is app/name.flv. Without it there are no files")
	set.BoolVarP(&a.record, "record", "k", a.record, "record everything that is published, in --root")
	set.BoolVar(&a.recordAsked, "record-asked", a.recordAsked, "record what is published with record or append, in --root")
	set.StringVar(&a.recordName, "record-name", a.recordName, "`name` of a recording, with {app}, {name}, {path}, {user} and {time} in it ({path})")
	set.Var(&a.recordMaxSize, "record-max-size", "begin another file after so much (0: never); it needs {time} in --record-name")
	set.DurationVar(&a.recordMaxTime, "record-max-time", a.recordMaxTime, "likewise, after this `time`")
	set.Var(&a.minFree, "record-min-free", "record nothing if less is free on the disk (100M)")
	set.Var(&a.maxTotal, "record-max-total", "record nothing if there is more in --root (0: no limit)")
	set.BoolVar(&a.asFast, "as-fast", a.asFast, "send files as fast as clients read, however small their buffers")
	set.StringVar(&a.sharedDir, "shared-dir", a.sharedDir, "keep persistent shared objects in this `folder`")
}

func (a *appSettings) live(set *pflag.FlagSet) {
	set.Var(choice[server.TakeoverPolicy]{&a.takeover, []string{"stale", "never", "always"},
		[]server.TakeoverPolicy{server.TakeStale, server.TakeNever, server.TakeAlways}}, "takeover",
		"who may publish a name that is being published: stale: the same user or address, or anybody when the publisher is silent")
	set.DurationVar(&a.staleAfter, "stale-after", a.staleAfter, "`time` after which a publisher is silent (5s)")
	set.DurationVar(&a.publishIdle, "publish-idle", a.publishIdle, "`time` after which a publisher without media is dropped (30s; with --pull: never)")
	set.DurationVar(&a.linger, "linger", a.linger, "`time` that players stay when the publisher has left (5s)")
	set.DurationVar(&a.await, "await", a.await, "`time` that players wait for a publisher (0: for ever); -1s: not at all")
	set.IntVar(&a.maxBitrate, "max-bitrate", a.maxBitrate, "`bit/s` over 10 s beyond which a publisher is dropped (0: no limit)")
	set.BoolVar(&a.noCache, "no-cache", a.noCache, "let players begin with the next key frame, not with the last")
	set.Var(&a.backlog, "backlog", "memory for a stream, for late joiners and slow players together (8M)")
	set.DurationVar(&a.backlogTime, "backlog-time", a.backlogTime, "likewise, how far back in `time` (10s)")
	set.DurationVar(&a.merge, "merge", a.merge, "gather so long before sending to players, a `time`: it saves CPU, and adds delay (0: not at all)")
}

func (a *appSettings) access(set *pflag.FlagSet) {
	set.Var(&a.users, "user", "who may publish, by Adobe's or Limelight's authentication; may be repeated")
	set.Var(oneOf(&a.authScheme, "adobe", "llnw"), "auth-scheme", "of --user")
	set.StringVar(&a.keys, "keys", a.keys, "publishers need the keys in this `file`, see FILES")
	set.Var(&a.allow, "allow", "serve clients in these networks, and no others; may be repeated")
	set.Var(&a.deny, "deny", "do not serve clients in these networks, even if they are in one of --allow; may be repeated")
	set.StringVar(&a.secureToken, "secure-token", a.secureToken, "players have to answer the SecureToken challenge with this `key`")
	set.Var(&a.swfHash, "swf-hash", "players have to be the SWF with this SHA-256 (rtmpdump --swfVfy tells it)")
	set.Uint32Var(&a.swfSize, "swf-size", a.swfSize, "and with this size in `bytes`, decompressed")
}

func (a *appSettings) asking(set *pflag.FlagSet) {
	set.StringArrayVar(&a.hook, "hook", a.hook, "`URL` that is asked by SRS's HTTP callbacks (on_connect, on_publish, on_play) and told (on_close, on_unpublish, "+
		"on_stop, on_dvr): a JSON object is posted; the answer that allows is status 200 with 0 or {\"code\":0}. "+
		"on_publish=URL is for that one only; may be repeated")
	set.DurationVar(&a.hookTimeout, "hook-timeout", a.hookTimeout, "`time` in which it has to answer")
	set.Var(oneOf(&a.hookDown, "deny", "allow"), "hook-down",
		"what to do when it can't be reached, is late, or fails with a status of 500 or more")
}

func (a *appSettings) edge(set *pflag.FlagSet) {
	set.StringVar(&a.pull, "pull", a.pull, "`URL` to fetch streams from while they have players, such as rtmp://origin/live/: the name is added to it, "+
		"and if it has no application, that, too")
	set.DurationVar(&a.pullIdle, "pull-idle", a.pullIdle, "`time` that a fetched stream is kept after its last player")
	set.IntVar(&a.maxPulls, "max-pulls", a.maxPulls, "how `many` streams are fetched at once; who asks for more is refused")
	set.StringArrayVar(&a.push, "push", a.push, "`URL` to publish at what is published here, likewise; may be repeated")
}

// check finds what does not fit together.
func (a *appSettings) check() error {
	switch {
	case (a.record || a.recordAsked || a.recordName != "") && a.root == "":
		return errors.New("recording needs --root")
	case a.record && a.recordAsked:
		return errors.New("--record records what is asked for, too: --record-asked is for when it is off")
	case (a.recordMaxSize > 0 || a.recordMaxTime > 0) && !hasTime(a.recordName):
		return errors.New("--record-max-size and --record-max-time need {time} in --record-name, or the next file would take the place of the one before")
	case (len(a.swfHash) == 0) != (a.swfSize == 0):
		return errors.New("--swf-hash and --swf-size need each other")
	case a.hookTimeout <= 0 || a.hookTimeout >= publishTimeout:
		return fmt.Errorf("--hook-timeout has to be more than 0, and less than %s, after which the server refuses by itself", publishTimeout)
	case a.pull != "" && a.await < 0:
		return errors.New("--pull needs players that wait: a stream is fetched when the first one asks (--await)")
	}
	if _, err := a.hookURLs(); err != nil {
		return fmt.Errorf("--hook: %w", err)
	}
	for _, url := range append(slices.Clone(a.push), a.pull) {
		if url == "" {
			continue
		}
		if err := edge.Check(url); err != nil {
			return fmt.Errorf("--pull, --push: %w", err)
		}
	}
	return nil
}

// hookURLs are those of --hook.
func (a *appSettings) hookURLs() (hooks.URLs, error) {
	urls := make(hooks.URLs)
	for _, text := range a.hook {
		if err := urls.Add(text); err != nil {
			return nil, err
		}
	}
	return urls, nil
}
