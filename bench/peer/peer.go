// Package peer implements the command line that all Go clients of the bench share. It does not depend on RTMP.
//
//	PROG pull[-variant] URL            read until the stream ends
//	PROG push[-variant] URL BYTES      send BYTES of media payload
//	PROG conn URL N                    N sequential connect .. ready .. close
//	PROG rpc URL N                     N sequential calls with a result
//	PROG calls URL N                   the same, and then N calls of which 64 are in flight at a time
//	PROG many[-variant] URL N          N simultaneous pulls in this process
//
// One JSON line about the outcome goes to stdout, allocations included. BENCH_PPROF=file writes a
// CPU profile. BENCH_PROFILE is the media of push.
package peer

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-librtmp/rtmp/bench/media"
)

// Peer contains the operations of one library. A nil operation is not supported.
type Peer struct {
	Pull map[string]func(url string, got *media.Got) error // "" is the default variant
	Push map[string]func(url string, run *media.Run, plan media.Plan) error
	Conn func(url string) error
	RPC  func(url string) (call func(i int) error, closeFn func(), err error)
}

type result struct {
	Video     int64   `json:"video,omitempty"`
	Audio     int64   `json:"audio,omitempty"`
	Payload   int64   `json:"payload,omitempty"`
	FLV       int64   `json:"flv,omitempty"`
	N         int     `json:"n,omitempty"`
	Failed    int     `json:"failed,omitempty"`
	Secs      float64 `json:"secs,omitempty"`
	P50       float64 `json:"p50_us,omitempty"`
	P99       float64 `json:"p99_us,omitempty"`
	Setup     float64 `json:"setup_cpu,omitempty"` // CPU seconds spent before the actual work
	Gain      float64 `json:"gain,omitempty"`      // rate with 64 calls in flight, divided by the rate of sequential calls
	Mallocs   uint64  `json:"mallocs,omitempty"`
	Allocated uint64  `json:"allocated,omitempty"` // bytes
	Err       string  `json:"err,omitempty"`
}

func cpu() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func die(format string, a ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", a...)
	os.Exit(1)
}

func Main(p Peer) {
	if len(os.Args) < 3 {
		die("usage: %s pull|push|conn|rpc|many URL [N]", os.Args[0])
	}
	op, variant, _ := strings.Cut(os.Args[1], "-")
	url := os.Args[2]
	var n int64
	if len(os.Args) > 3 {
		var err error
		if n, err = strconv.ParseInt(os.Args[3], 10, 64); err != nil {
			die("bad number %q", os.Args[3])
		}
	}
	if f := os.Getenv("BENCH_PPROF"); f != "" {
		w, err := os.Create(f)
		if err != nil {
			die("%v", err)
		}
		pprof.StartCPUProfile(w)
		defer func() { pprof.StopCPUProfile(); w.Close() }()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var res result
	var err error
	t0 := time.Now()
	switch op {
	case "pull":
		f := p.Pull[variant]
		if f == nil {
			die("cannot pull-%s", variant)
		}
		var g media.Got
		err = f(url, &g)
		res.Video, res.Audio, res.Payload, res.FLV = g.Video, g.Audio, g.Payload, g.FLV
	case "many":
		f := p.Pull[variant]
		if f == nil {
			die("cannot pull-%s", variant)
		}
		res, err = many(f, url, int(n))
	case "push":
		f := p.Push[variant]
		if f == nil {
			die("cannot push-%s", variant)
		}
		profile := os.Getenv("BENCH_PROFILE")
		if profile == "" {
			profile = "3mbit"
		}
		run := media.Build(profile)
		plan := run.Plan(n)
		runtime.GC()
		res.Setup = cpu() // generating the media does not count
		runtime.ReadMemStats(&before)
		t0 = time.Now()
		err = f(url, run, plan)
		res.Video, res.Audio, res.Payload = plan.Videos, plan.Audios, plan.Payload
	case "conn":
		if p.Conn == nil {
			die("cannot conn")
		}
		res, err = timed(int(n), func(int) error { return p.Conn(url) })
	case "rpc":
		if p.RPC == nil {
			die("cannot rpc")
		}
		var call func(int) error
		var done func()
		if call, done, err = p.RPC(url); err == nil {
			res, err = timed(int(n), call)
			done()
		}
	case "calls":
		if p.RPC == nil {
			die("cannot rpc")
		}
		var call func(int) error
		var done func()
		if call, done, err = p.RPC(url); err == nil {
			var one result
			if one, err = timed(int(n), call); err == nil {
				setup := cpu()
				runtime.ReadMemStats(&before)
				res, err = inFlight(int(n), 64, call)
				res.Setup, res.Gain = setup, one.Secs/res.Secs
			}
			done()
		}
	default:
		die("unknown operation %q", op)
	}
	if res.Secs == 0 {
		res.Secs = time.Since(t0).Seconds()
	}
	if err != nil {
		res.Err = err.Error()
	}
	runtime.ReadMemStats(&after)
	res.Mallocs, res.Allocated = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
	b, _ := json.Marshal(res)
	fmt.Println(string(b))
	if err != nil {
		pprof.StopCPUProfile()
		os.Exit(2)
	}
}

func timed(n int, f func(i int) error) (result, error) {
	ds := make([]float64, 0, n)
	t0 := time.Now()
	for i := 0; i < n; i++ {
		t := time.Now()
		if err := f(i); err != nil {
			return result{N: i}, err
		}
		ds = append(ds, float64(time.Since(t))/1e3)
	}
	r := result{N: n, Secs: time.Since(t0).Seconds()}
	sort.Float64s(ds)
	if n > 0 {
		r.P50, r.P99 = ds[n/2], ds[n*99/100]
	}
	return r, nil
}

// inFlight measures n calls of f, made by the given number of goroutines at the same time.
func inFlight(n, goroutines int, f func(i int) error) (result, error) {
	var wg sync.WaitGroup
	var next atomic.Int64
	errs := make([]error, goroutines)
	ds := make([]float64, n)
	t0 := time.Now()
	for g := range goroutines {
		wg.Go(func() {
			for errs[g] == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				t := time.Now()
				errs[g] = f(i)
				ds[i] = float64(time.Since(t)) / 1e3
			}
		})
	}
	wg.Wait()
	r := result{N: n, Secs: time.Since(t0).Seconds()}
	sort.Float64s(ds)
	r.P50, r.P99 = ds[n/2], ds[n*99/100]
	return r, errors.Join(errs...)
}

func many(f func(string, *media.Got) error, url string, n int) (result, error) {
	var wg sync.WaitGroup
	got := make([]media.Got, n)
	errs := make([]error, n)
	t0 := time.Now()
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs[i] = f(url, &got[i])
		}()
		time.Sleep(2 * time.Millisecond) // 500 new connections a second
	}
	wg.Wait()
	r := result{N: n, Secs: time.Since(t0).Seconds()}
	var first error
	for i := range got {
		r.Video += got[i].Video
		r.Audio += got[i].Audio
		r.Payload += got[i].Payload
		r.FLV += got[i].FLV
		if errs[i] != nil {
			r.Failed++
			first = errs[i]
		}
	}
	return r, first
}
