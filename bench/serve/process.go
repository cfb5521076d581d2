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
	"time"
)

// process is a server under test.
type process struct {
	command *exec.Cmd
	log     *os.File
	addr    string // address for RTMP, or for the floor's protocol
}

// startProcess starts a server and waits until it listens at addr.
func startProcess(ctx context.Context, dir, addr, program string, args ...string) (*process, error) {
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	p := &process{command: exec.CommandContext(ctx, program, args...), log: log, addr: addr}
	p.command.Dir, p.command.Stdout, p.command.Stderr = dir, log, log
	if err := p.command.Start(); err != nil {
		log.Close()
		return nil, err
	}
	for range 500 {
		nc, err := net.Dial("tcp", addr)
		if err == nil {
			nc.Close()
			return p, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.stop()
	text, _ := os.ReadFile(log.Name())
	return nil, fmt.Errorf("%s does not listen at %s: %.500s", program, addr, text)
}

func (p *process) stop() {
	p.command.Process.Kill()
	p.command.Wait()
	p.log.Close()
}

// ticks is the unit of CPU time in /proc, in units per second (USER_HZ).
const ticks = 100

// cpu returns the user and system time that the process has used, in seconds.
func (p *process) cpu() (float64, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the fields after the program's name
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/PID/stat: %q", stat)
	}
	user, err := strconv.ParseFloat(fields[11], 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseFloat(fields[12], 64)
	return (user + system) / ticks, err
}

// memory returns the resident set size in KiB.
func (p *process) memory() (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, after, found := strings.Cut(string(status), "VmRSS:")
	if !found {
		return 0, fmt.Errorf("/proc/PID/status without VmRSS")
	}
	return strconv.ParseFloat(strings.Fields(after)[0], 64)
}

// freeAddr returns an unused address.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
