package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// serverReport is blast's report about a connection.
type serverReport struct {
	Listen                                   string
	Video, Audio, Payload, FLVTagBytes, Wire int64
	Complete                                 bool
}

// clientReport is a client's report about its run.
type clientReport struct {
	Video, Audio, Payload, FLV int64
	N, Failed                  int
	P50                        float64 `json:"p50_us"`
	Setup                      float64 `json:"setup_cpu"` // CPU seconds spent before the work
	Gain                       float64 // rate of calls in flight together, divided by that of calls one at a time
	Mallocs, Allocated         float64 // number and bytes of allocations
}

// server is a running blast.
type server struct {
	command *exec.Cmd
	lines   *bufio.Reader
	addr    string
}

func startServer(bin string, args ...string) (*server, error) {
	s := &server{command: exec.Command(filepath.Join(bin, "blast"), args...)}
	pipe, err := s.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	s.lines = bufio.NewReader(pipe)
	first, err := s.next()
	s.addr = first.Listen
	return s, err
}

func (s *server) next() (c serverReport, _ error) {
	line, err := s.lines.ReadBytes('\n')
	if err != nil {
		return c, fmt.Errorf("blast has ended: %w", err)
	}
	fields := struct {
		*serverReport
		FLVTagBytes *int64 `json:"flv_tag_bytes"`
	}{&c, &c.FLVTagBytes}
	return c, json.Unmarshal(line, &fields)
}

func (s *server) stop() {
	s.command.Process.Kill()
	s.command.Wait()
}

// flv is a file of the media, for clients that publish from a file.
func (w *work) flv(bin string) string { return filepath.Join(bin, w.profile+".flv") }

// measure runs the clients in turn.
func (w *work) measure(bin string) error {
	amount := int64(*bytes)
	args := append([]string{"-profile", w.profile, "-bytes", fmt.Sprint(amount)}, w.server...)
	file := exec.Command(filepath.Join(bin, "blast"), "-profile", w.profile, "-bytes", "10000000", "-mkflv", w.flv(bin))
	if err := file.Run(); err != nil {
		return fmt.Errorf("file of the media: %w", err)
	}
	plain, err := startServer(bin, args...)
	if err != nil {
		return err
	}
	defer plain.stop()
	raw, err := startServer(bin, append(args, "-raw")...)
	if err != nil {
		return err
	}
	defer raw.stop()
	for range *rounds {
		for _, c := range w.clients {
			if *quick && !strings.HasPrefix(c.name, "ours") && !c.raw {
				continue
			}
			program, _, _ := strings.Cut(strings.ReplaceAll(c.command, "{bin}", bin), " ")
			if _, err := exec.LookPath(program); err != nil {
				continue
			}
			s := plain
			if c.raw {
				s = raw
			}
			o, err := w.run(bin, s, c)
			if err != nil {
				if strings.HasPrefix(c.name, "ours") || c.raw {
					return fmt.Errorf("%s: %w", c.name, err)
				}
				log.Printf("  %s: %v", c.name, err) // a failure of another library is only logged
				continue
			}
			c.runs = append(c.runs, o)
		}
	}
	return nil
}

// run runs a client once, and checks that it has received or delivered everything.
func (w *work) run(bin string, s *server, c *client) (outcome, error) {
	amount := *bytes
	url := cmp.Or(w.scheme, "rtmp") + "://" + s.addr + "/live/x"
	if c.share > 0 {
		amount *= c.share
	}
	if w.n == 0 {
		url += fmt.Sprintf("-b%d", int64(amount))
	}
	command := strings.NewReplacer("{bin}", bin, "{url}", url, "{bytes}", fmt.Sprint(int64(amount)), "{n}", fmt.Sprint(w.n), "{flv}", w.flv(bin)).Replace(c.command)
	fields := strings.Fields(command)
	cmd := exec.Command(fields[0], fields[1:]...)
	cmd.Env = append(os.Environ(), "BENCH_PROFILE="+w.profile)
	var text, complaints strings.Builder
	cmd.Stdout, cmd.Stderr = &text, &complaints
	if err := cmd.Start(); err != nil {
		return outcome{}, err
	}
	peak := watch(cmd.Process.Pid)
	patience := time.Duration(max(1, c.share) * float64(5*time.Minute))
	late := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	late.Stop()
	o := outcome{memory: peak()}
	if err != nil {
		return o, fmt.Errorf("%w: %s %s", err, text.String(), complaints.String())
	}
	var told clientReport
	json.Unmarshal([]byte(lastLine(text.String())), &told) // rtmpdump prints no report
	cpu := (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds() - told.Setup
	if w.n > 0 {
		return w.counted(s, c, o, told, cpu)
	}
	got, err := s.next()
	if err != nil {
		return o, err
	}
	o.figure = cpu * 1e9 / amount
	if n := got.Video + got.Audio; n > 0 && !c.raw { // clients without the protocol have no messages
		o.mallocs = told.Mallocs / float64(n)
	}
	return o, complete(c, got, told)
}

// counted is like run, for work that is repeated n times.
func (w *work) counted(s *server, c *client, o outcome, told clientReport, cpu float64) (outcome, error) {
	if told.N != w.n || told.Failed > 0 {
		return o, fmt.Errorf("%d of %d done, %d failed", told.N, w.n, told.Failed)
	}
	connections := w.n
	if w.file == "call" || w.file == "calls" {
		connections = 1
	}
	var all serverReport
	for range connections {
		one, err := s.next()
		if err != nil {
			return o, err
		}
		all.Video, all.Audio, all.Payload = all.Video+one.Video, all.Audio+one.Audio, all.Payload+one.Payload
		all.FLVTagBytes, all.Wire = all.FLVTagBytes+one.FLVTagBytes, all.Wire+one.Wire
	}
	o.p50, o.gain, o.figure = told.P50, told.Gain, cpu*1e6/float64(w.n)
	if !w.live {
		o.memory = 0
		return o, nil
	}
	o.figure, o.memory = cpu, o.memory/float64(w.n)
	return o, complete(c, all, told)
}

// headers is the size of the configurations that joy4 publishes in addition to the media, in bytes.
const headers = 47

// complete checks that client and server agree on what was sent.
func complete(c *client, got serverReport, told clientReport) error {
	if got.Video == told.Video+1 && got.Audio == told.Audio+1 && got.Payload == told.Payload+headers {
		told.Video, told.Audio, told.Payload = got.Video, got.Audio, got.Payload
	}
	switch {
	case told == clientReport{}: // the client prints no report; its exit code was 0
		return nil
	case c.raw && told.Payload != got.Wire && told.Payload != got.Payload:
		return fmt.Errorf("%d bytes instead of %d", told.Payload, got.Wire)
	case c.raw:
		return nil
	case told.FLV > 0 && told.FLV < got.FLVTagBytes:
		return fmt.Errorf("%d bytes of FLV instead of %d and a header", told.FLV, got.FLVTagBytes)
	case told.FLV == 0 && (told.Payload != got.Payload || told.Video != got.Video || told.Audio != got.Audio):
		return fmt.Errorf("%d video messages, %d audio messages, %d bytes instead of %d, %d, %d", told.Video, told.Audio, told.Payload, got.Video, got.Audio, got.Payload)
	case c.checked && told.Mallocs > 3000+float64(got.Video+got.Audio)/20: // connecting allocates, and so do occasional messages
		return fmt.Errorf("%.0f allocations for %d messages", told.Mallocs, got.Video+got.Audio)
	case c.checked && told.Allocated > 32e6+float64(got.Payload)/50: // allowance for buffers that grow, and that are allocated again after a garbage collection
		return fmt.Errorf("%.0f bytes allocated for %d bytes of media", told.Allocated, got.Payload)
	}
	return nil
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// watch returns a function that returns the largest memory of a process so far, in KiB, as sampled periodically. (The maximum that wait4
// reports for a child includes the size of its parent.)
func watch(pid int) (peak func() float64) {
	most, stop, done := 0.0, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			if _, after, found := strings.Cut(string(status), "VmHWM:"); found {
				kib, _ := strconv.ParseFloat(strings.Fields(after)[0], 64)
				most = max(most, kib)
			}
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	return func() float64 {
		close(stop)
		<-done
		return most
	}
}
