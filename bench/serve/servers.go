package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-librtmp/rtmp/bench/media"
)

// server is a kind of server, with options.
type server struct {
	name  string
	start func(ctx context.Context, dir string) (*process, error)
	floor bool // the server speaks the floor's protocol, not RTMP
}

// ours returns rtmpserver with options. In the options, {dir} stands for a new folder.
func ours(name string, options ...string) server { return oursUnder(nil, name, options...) }

// oursOnOneCore returns rtmpserver on the first CPU. Go sees only that CPU, so GOMAXPROCS is 1.
func oursOnOneCore(name string, options ...string) server {
	return oursUnder([]string{"taskset", "--cpu-list", "0"}, name, options...)
}

// oursUnder returns rtmpserver, started by a launcher: a command such as taskset, which executes the command that its arguments name.
func oursUnder(launcher []string, name string, options ...string) server {
	return server{name: strings.TrimSpace("ours " + name), start: func(ctx context.Context, dir string) (*process, error) {
		addr, err := freeAddr()
		if err != nil {
			return nil, err
		}
		host, port, _ := net.SplitHostPort(addr)
		args := append(slices.Clone(launcher), filepath.Join(bin, "rtmpserver"), "-i", host, "-p", port, "--log", "json")
		for _, o := range options {
			args = append(args, strings.ReplaceAll(o, "{dir}", dir))
		}
		return startProcess(ctx, dir, addr, args[0], args[1:]...)
	}}
}

// nginxModule is the path of nginx-rtmp in Debian.
const nginxModule = "/usr/lib/nginx/modules/ngx_rtmp_module.so"

// nginx returns nginx-rtmp with one worker, and with directives for the application live.
func nginx(name, statements string) server {
	return server{name: strings.TrimSpace("nginx-rtmp " + name), start: func(ctx context.Context, dir string) (*process, error) {
		addr, err := freeAddr()
		if err != nil {
			return nil, err
		}
		config := fmt.Sprintf(`load_module %s; master_process off; daemon off; pid %s/pid; error_log %s/error.log;
			events { worker_connections 20000; }
			rtmp { access_log off; server { listen %s; application live { live on; %s } } }`,
			nginxModule, dir, dir, addr, strings.ReplaceAll(statements, "{dir}", dir))
		if os.Getuid() == 0 {
			config = "user root; " + config
		}
		file := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
			return nil, err
		}
		return startProcess(ctx, dir, addr, "nginx", "-c", file, "-e", filepath.Join(dir, "error.log"))
	}}
}

// program returns one of the programs in servers/. In the options, {dir} stands for a new folder.
func program(name, file string, options ...string) server {
	return server{name: name, floor: file == "floor", start: func(ctx context.Context, dir string) (*process, error) {
		addr, err := freeAddr()
		if err != nil {
			return nil, err
		}
		args := []string{"-listen", addr}
		for _, o := range options {
			args = append(args, strings.ReplaceAll(o, "{dir}", dir))
		}
		return startProcess(ctx, dir, addr, filepath.Join(bin, file), args...)
	}}
}

// stage is a server with a stream.
type stage struct {
	*process
	url    string // of the stream
	stream *publisher
}

// publish starts the server and publishes run.
func (s server) publish(ctx context.Context, dir string, run *media.Run) (*stage, error) {
	p, err := s.start(ctx, dir)
	if err != nil {
		return nil, err
	}
	url := s.url(p, "x")
	stream, err := publish(ctx, url, run)
	if err != nil {
		p.stop()
		return nil, err
	}
	return &stage{process: p, url: url, stream: stream}, nil
}

func (s *stage) stop() {
	s.stream.stop()
	s.process.stop()
}

func (s server) url(p *process, name string) string {
	if s.floor {
		return "floor://" + p.addr
	}
	return "rtmp://" + p.addr + "/live/" + name
}
