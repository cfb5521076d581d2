package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"sync"

	"github.com/go-librtmp/rtmp/cmd/rtmpserver/internal/edge"
	"github.com/go-librtmp/rtmp/cmd/rtmpserver/internal/hooks"
	"github.com/go-librtmp/rtmp/internal/admission"
	"github.com/go-librtmp/rtmp/server"
)

// application is an application with its settings.
type application struct {
	settings *appSettings
	keys     *keys         // nil if publishers need no key
	hooks    *hooks.Client // nil if there are no hooks
	edge     *edge.Edge
	logger   *slog.Logger
}

// applications contains the applications by name; "*" applies to all other names.
type applications map[string]*application

// newApplications makes the applications of a server and adds them to it.
func newApplications(s *settings, srv *server.Server, logger *slog.Logger) (applications, error) {
	all := maps.Clone(s.apps)
	if all == nil {
		all = make(map[string]*appSettings)
	}
	if s.otherApps && all["*"] == nil {
		all["*"] = &s.app
	}
	if err := checkRoots(all, logger); err != nil {
		return nil, err
	}
	id := rand.Text()
	apps := make(applications)
	srv.Apps = make(map[string]*server.App)
	for name, one := range all {
		a := &application{settings: one, logger: logger}
		if one.keys != "" {
			var err error
			if a.keys, err = newKeys(one.keys); err != nil {
				return nil, err
			}
		}
		if urls, _ := one.hookURLs(); len(urls) > 0 { // the URLs are valid, since check has accepted them
			a.hooks = hooks.New(hooks.Options{URLs: urls, Timeout: one.hookTimeout, Allow: one.hookDown == "allow", ServerID: id, Logger: logger})
		}
		a.edge = edge.New(edge.Options{Server: srv, ID: id, Logger: logger, Pull: one.pull, Idle: one.pullIdle, MaxPulls: one.maxPulls,
			Push: one.push, Linger: one.linger})
		apps[name] = a
		srv.Apps[name] = a.app(s.dump)
	}
	return apps, nil
}

// checkRoots logs it if the folder of --root does not exist, since its name may be misspelled. Applications may share a folder. The error is
// that a root is not a folder.
func checkRoots(all map[string]*appSettings, logger *slog.Logger) error {
	recorded := make(map[string]bool)
	for _, a := range all {
		if a.root != "" {
			recorded[a.root] = recorded[a.root] || a.record || a.recordAsked
		}
	}
	for _, root := range slices.Sorted(maps.Keys(recorded)) {
		info, err := os.Stat(root)
		switch {
		case err == nil && !info.IsDir():
			return fmt.Errorf("--root %s is not a folder", root)
		case errors.Is(err, fs.ErrNotExist) && recorded[root]:
			logger.Info("the folder does not exist yet: the first recording creates it", "root", root)
		case err != nil:
			logger.Warn("there are no files to play", "root", root, "error", err)
		}
	}
	return nil
}

// reload reads the files with keys again.
func (all applications) reload() (err error) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if a := all[name]; a.keys != nil {
			err = errors.Join(err, a.keys.reload())
		}
	}
	return err
}

// close ends the applications' connections to other servers. It waits until all hooks have been called or ctx is done. The server must
// already be closed.
func (all applications) close(ctx context.Context) {
	var closing sync.WaitGroup
	for _, a := range all {
		closing.Go(a.edge.Close)
		closing.Go(func() { a.hooks.Wait(ctx) })
	}
	closing.Wait()
}

// app returns the application for package server.
func (a *application) app(dump bool) *server.App {
	s := a.settings
	app := &server.App{
		Connect:    a.connect,
		Disconnect: a.hooks.Disconnect,
		Publish:    a.publish,
		Unpublish: func(r *server.Request, _ server.StreamStats) {
			a.edge.Unpublished(r.Path)
			a.hooks.Unpublish(r)
		},
		Play: a.play,
		Stop: func(r *server.Request, _ server.StreamStats) {
			a.edge.Left(r.Path)
			a.hooks.Stop(r)
		},
		Live: server.Live{Takeover: s.takeover, StaleAfter: s.staleAfter, PublishIdle: s.publishIdle, Linger: s.linger, Await: s.await,
			MaxBitrate: int(s.maxBitrate), NoCache: s.noCache, Backlog: int(s.backlog), BacklogTime: s.backlogTime, Merge: s.merge},
		Files: a.files(),
		Token: s.secureToken,
	}
	if s.pull != "" && s.publishIdle == 0 {
		app.Live.PublishIdle = -1 // players stay while the server that sends the stream is unreachable
	}
	if s.sharedDir != "" {
		app.Shared = &server.SharedPolicy{Dir: s.sharedDir}
	}
	if len(s.users) > 0 {
		app.Publishers = &server.Credentials{Scheme: s.authScheme, Password: func(_ context.Context, user string) (string, bool) {
			password, ok := s.users[user]
			return password, ok
		}}
	}
	if len(s.swfHash) > 0 {
		app.Player = &server.SWF{Hash: s.swfHash, Size: s.swfSize}
	}
	if dump {
		app.Packet = a.dump
	}
	return app
}

func (a *application) connect(ctx context.Context, c *server.Conn) error {
	if err := a.admits(c.RemoteAddr()); err != nil {
		return err
	}
	if err := a.edge.Connect(c); err != nil {
		return err
	}
	return a.hooks.Connect(ctx, c)
}

func (a *application) publish(ctx context.Context, r *server.Request) error {
	if a.keys != nil {
		if err := a.keys.check(r); err != nil {
			return err
		}
	}
	if err := a.hooks.Publish(ctx, r); err != nil {
		return err
	}
	a.edge.Published(r.Path, r.Conn)
	return nil
}

func (a *application) play(ctx context.Context, r *server.Request) error {
	if r.Conn == nil { // for HTTP viewers, which have no RTMP connection, Connect was not called
		if err := a.admits(r.RemoteAddr); err != nil {
			return err
		}
	}
	if err := a.hooks.Play(ctx, r); err != nil {
		return err
	}
	if err := a.edge.Played(r); err != nil {
		a.hooks.Stop(r)
		return err
	}
	return nil
}

// admits returns an error if a client with this address is refused.
func (a *application) admits(remote net.Addr) error {
	addr := admission.AddrOf(remote)
	if a.settings.deny.contain(addr) || len(a.settings.allow) > 0 && !a.settings.allow.contain(addr) {
		return server.Deny("not allowed from this address")
	}
	return nil
}
