// Command compare runs clients of this library and of others against one server, blast, and reports what they cost, in tables and bar
// charts. README.md says how to use it. It builds the programs from the module in the current directory.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

var (
	quick   = flag.Bool("quick", false, "run for a few seconds: only this library and the floor, to check that everything arrives and that no message allocates")
	rounds  = flag.Int("rounds", 9, "runs of each client; the clients take turns")
	bytes   = flag.Float64("bytes", 1e9, "media of one run, in bytes of payload")
	only    = flag.String("only", "", "only workloads whose title contains this")
	grow    = flag.Bool("grow", false, "also measure whether the cost grows with the length of a play and the number of connections, minutes longer")
	longest = flag.Float64("longest", 16, "with -grow, the longest play as a multiple of -bytes, at most 100")
	out     = flag.String("out", "", "folder, created if necessary, for results.md and the charts; if empty, the tables are only printed")
)

func main() {
	flag.Parse()
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal("compare: ", err)
	}
}

func run() error {
	if *out != "" { // before the measurements, which take minutes
		if err := os.MkdirAll(*out, 0o755); err != nil {
			return err
		}
	}
	bin, err := os.MkdirTemp("", "compare")
	if err != nil {
		return err
	}
	defer os.RemoveAll(bin)
	if err := build(bin); err != nil {
		return err
	}
	if *quick {
		*rounds, *bytes = 1, 5e7
	}
	var failed error
	report := new(strings.Builder)
	fmt.Fprintf(report, "%s\n", machine())
	for _, w := range works() {
		if !strings.Contains(w.title, *only) || *quick && !w.quick {
			continue
		}
		log.Print(w.title)
		if err := w.measure(bin); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", w.title, err))
			continue
		}
		w.table(report)
		if *out != "" && w.file != "" {
			if err := w.chart(filepath.Join(*out, w.file+".svg")); err != nil {
				return err
			}
			fmt.Fprintf(report, "\n![%s](%s.svg)\n", w.title, w.file)
		}
	}
	fmt.Print(report)
	if *out == "" {
		return failed
	}
	return errors.Join(failed, os.WriteFile(filepath.Join(*out, "results.md"), []byte(report.String()), 0o644))
}

// build builds the programs. Those with librtmp need cc and librtmp-dev, and are left out without them.
func build(bin string) error {
	programs := []string{"./blast", "./clients/ours", "./clients/raw", "./clients/least"}
	if !*quick {
		programs = append(programs, "./clients/...")
	}
	if text, err := exec.Command("go", append([]string{"build", "-o", bin + "/"}, programs...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w: %s", err, text)
	}
	if *quick {
		return nil
	}
	dump := exec.Command("go", "build", "-o", bin+"/", "./cmd/rtmpdump")
	dump.Dir = ".."
	if text, err := dump.CombinedOutput(); err != nil {
		return fmt.Errorf("build rtmpdump: %w: %s", err, text)
	}
	cc := exec.Command("cc", "-O2", "-o", filepath.Join(bin, "librtmp"), "clients/librtmp/librtmp.c", "-lrtmp", "-lpthread")
	if text, err := cc.CombinedOutput(); err != nil {
		log.Printf("without librtmp: %v: %s", err, text)
	}
	return nil
}

// machine describes the machine, on which the figures depend.
func machine() string {
	say := func(name string, args ...string) string {
		text, _ := exec.Command(name, args...).Output()
		return strings.TrimSpace(string(text))
	}
	cpu := say("sh", "-c", "sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1")
	load := say("cut", "-d", " ", "-f", "1-3", "/proc/loadavg")
	version := func(pkg string) string { return pkg + " " + say("dpkg-query", "-W", "-f", "${Version}", pkg) }
	return fmt.Sprintf("%s, %s x %s, Linux %s, load at the beginning %s, rounds %d. %s.\n\n%s, %s, %s, %s, %s, %s.", say("date", "-u", "+%Y-%m-%d"),
		say("nproc"), cpu, say("uname", "-r"), load, *rounds, say("go", "version"), version("librtmp1"),
		version("rtmpdump"), version("curl"), version("python3-librtmp"), version("ffmpeg"),
		strings.ReplaceAll(say("go", "list", "-m", "-f", "{{.Path}} {{.Version}}", "github.com/bluenviron/gortmplib",
			"github.com/yutopp/go-rtmp", "github.com/q191201771/lal", "github.com/nareix/joy4"), "\n", ", "))
}
