// Command serve measures what live streams cost servers: this repository's rtmpserver, nginx-rtmp, lal, and floor, a plain loop. It prints
// tables, and with -out it writes each table and a bar chart to a folder. The module's README.md says how to use it. It builds the programs
// from the module in the current directory.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

var (
	quick      = flag.Bool("quick", false, "run for a few seconds, with few players and only our server and the floor, to check that everything works")
	roundsFlag = flag.Int("rounds", 5, "runs of each server; the servers take turns")
	length     = flag.Duration("length", 8*time.Second, "duration of the measurement in each run")
	players    = flag.Int("players", 500, "players of a stream")
	only       = flag.String("only", "", "only trials whose file name begins with this")
	who        = flag.String("server", "", "only the server with this name")
	out        = flag.String("out", "", "folder, created if necessary, for the tables and charts; if empty, the tables are only printed")
)

// bin is the folder of the programs.
var bin string

func main() {
	flag.Parse()
	log.SetFlags(log.Ltime)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal("serve: ", err)
	}
}

func run(ctx context.Context) (err error) {
	if *out != "" { // before the measurements, which take minutes
		if err := os.MkdirAll(*out, 0o755); err != nil {
			return err
		}
	}
	if bin, err = os.MkdirTemp("", "serve"); err != nil {
		return err
	}
	defer os.RemoveAll(bin)
	if *quick {
		*roundsFlag, *length, *players, settle = 1, time.Second/2, 20, time.Second/5
	}
	if err := build(); err != nil {
		return err
	}
	head := machine()
	var failed error
	for _, t := range trials() {
		if !strings.HasPrefix(t.file, *only) || *quick && !t.quick {
			continue
		}
		log.Print(t.title, ", load ", load())
		if err := t.measure(ctx); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", t.title, err))
			if ctx.Err() != nil {
				break
			}
		}
		if err := t.print(head); err != nil {
			return err
		}
	}
	return failed
}

// print prints the results of a trial and, with -out, writes them and a chart.
func (t *trial) print(head string) error {
	if !slices.ContainsFunc(t.contestants, func(c *contestant) bool { return len(c.runs) > 0 }) {
		return nil
	}
	var text strings.Builder
	t.table(&text)
	fmt.Print(text.String())
	if *out == "" {
		return nil
	}
	if err := t.chart(*out); err != nil {
		return err
	}
	fmt.Fprintf(&text, "\n![%s](%s.svg)\n\n%s\n", t.title, t.file, head)
	return os.WriteFile(filepath.Join(*out, t.file+".md"), []byte(text.String()), 0o644)
}

// build builds the programs.
func build() error {
	for dir, pkgs := range map[string]string{"..": "./cmd/rtmpserver", ".": "./servers/..."} {
		cmd := exec.Command("go", "build", "-o", bin+"/", pkgs)
		cmd.Dir = dir
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w: %s", pkgs, err, text)
		}
	}
	if _, err := os.Stat(nginxModule); err != nil && !*quick {
		return errors.Join(errors.New("nginx-rtmp is missing (Debian: libnginx-mod-rtmp)"), err)
	}
	return nil
}

func say(name string, args ...string) string {
	text, _ := exec.Command(name, args...).Output()
	return strings.TrimSpace(string(text))
}

func load() string { return say("cut", "-d", " ", "-f", "1-3", "/proc/loadavg") }

// machine describes the machine, on which the figures depend.
func machine() string {
	version := func(pkg string) string { return pkg + " " + say("dpkg-query", "-W", "-f", "${Version}", pkg) }
	return fmt.Sprintf("`go run ./serve %s`\n\n%s, commit %s. %s x %s, Linux %s, load at the beginning %s. %s, %s, %s, %s.",
		strings.Join(os.Args[1:], " "), say("date", "-u", "+%Y-%m-%d %H:%M UTC"), say("git", "rev-parse", "--short", "HEAD"), say("nproc"),
		say("sh", "-c", "sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1"), say("uname", "-r"), load(), say("go", "version"),
		version("nginx"), version("libnginx-mod-rtmp"), say("go", "list", "-m", "-f", "{{.Path}} {{.Version}}", "github.com/q191201771/lal"))
}

func trials() []*trial {
	return []*trial{fanOutTrial(), transportsTrial(), memoryTrial(), ingestTrial(), stallTrial(), filesTrial(), stormTrial(), silenceTrial(), thousandsTrial()}
}
