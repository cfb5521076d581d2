package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// server is a kind of server, with options.
type server struct {
	name  string
	start func(ctx context.Context, dir string) (*process, error)
	floor bool // the server speaks the floor's protocol, not RTMP
}

// ours returns rtmpserver with options. In the options, {dir} stands for a new folder, {http} and {tls} for addresses.
func ours(name string, options ...string) server {
	return server{name: strings.TrimSpace("ours " + name), start: func(ctx context.Context, dir string) (*process, error) {
		addr, err := freeAddr()
		if err != nil {
			return nil, err
		}
		host, port, _ := net.SplitHostPort(addr)
		args := []string{"-i", host, "-p", port, "--log", "json"}
		for _, o := range options {
			args = append(args, strings.ReplaceAll(o, "{dir}", dir))
		}
		return startProcess(ctx, dir, addr, filepath.Join(bin, "rtmpserver"), args...)
	}}
}

// onOneCore binds a server to the first CPU.
func onOneCore(s server) server {
	start := s.start
	s.start = func(ctx context.Context, dir string) (*process, error) {
		p, err := start(ctx, dir)
		if err != nil {
			return nil, err
		}
		// This includes all threads, and threads started later.
		bind := exec.Command("taskset", "--all-tasks", "--cpu-list", "--pid", "0", strconv.Itoa(p.command.Process.Pid))
		if err := bind.Run(); err != nil {
			p.stop()
			return nil, fmt.Errorf("taskset: %w", err)
		}
		return p, nil
	}
	return s
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

func (s server) url(p *process, name string) string {
	if s.floor {
		return "floor://" + p.addr
	}
	return "rtmp://" + p.addr + "/live/" + name
}
