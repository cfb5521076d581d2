package main

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/pflag"

	"github.com/go-librtmp/rtmp"
)

type flags struct {
	set *pflag.FlagSet

	url, rtmp, host, socks, playpath, app, tcURL, swfURL, pageURL, auth, flashVer, subscribe, token, usherToken string
	conn                                                                                                        []string
	port, protocol                                                                                              cInt
	playlist, live, realtime                                                                                    bool
	swfVfy, swfHash                                                                                             string
	swfSize, swfAge                                                                                             cInt

	output                        string
	resume, hashes, help, version bool
	timeout, buffer, skip         cInt
	mediaTimeout                  cInt
	start, stop                   cSeconds

	proxy                    string
	capture                  string
	json, recovers, enhanced bool
	pipelining               rtmp.Pipelining
}

// errNumber is the error for a value that is not a number. RTMPDump treats it as 0, which may mean the whole stream.
var errNumber = errors.New("not a number")

// cInt is a number that is parsed like C's atoi: only the leading digits, at least one, count.
type cInt struct {
	n     int
	isSet bool
}

// Set implements pflag.Value.
func (v *cInt) Set(s string) error {
	var n int64
	if _, err := fmt.Sscanf(strings.TrimLeft(s, " \t"), "%d", &n); err != nil {
		return errNumber
	}
	v.n, v.isSet = int(int32(n)), true
	return nil
}

func (v *cInt) String() string { return "" }

// Type implements pflag.Value.
func (v *cInt) Type() string { return "num" }

// cSeconds is a number of seconds that is parsed like C's atof: only the number at the beginning counts.
type cSeconds struct{ ms int64 }

// Set implements pflag.Value.
func (v *cSeconds) Set(s string) error {
	var seconds float64
	if _, err := fmt.Sscanf(strings.TrimLeft(s, " \t"), "%g", &seconds); err != nil || math.IsNaN(seconds) {
		return errNumber
	}
	if seconds > 1<<22 { // RTMP timestamps end at 2^32 ms
		seconds = 1 << 22
	}
	v.ms = int64(max(0, seconds) * 1000)
	return nil
}

func (v *cSeconds) String() string { return "" }

// Type implements pflag.Value.
func (v *cSeconds) Type() string { return "num" }

// first is a text option whose first occurrence counts.
type first struct{ s *string }

// Set implements pflag.Value.
func (v first) Set(s string) error {
	if *v.s == "" {
		*v.s = s
	}
	return nil
}

func (v first) String() string { return "" }

// Type implements pflag.Value.
func (v first) Type() string { return "url" }

// parseFlags parses the command line. Long options may be abbreviated if that is unambiguous.
func parseFlags(args []string, c *console) (*flags, error) {
	o := &flags{}
	set := pflag.NewFlagSet("rtmpdump", pflag.ContinueOnError)
	o.set = set
	set.SortFlags = false
	set.Usage = func() {}
	o.connection(set)
	o.session(set)
	o.saving(set)
	o.messages(set, c)
	err := set.Parse(expand(args, set))
	if o.url == "" && o.rtmp == "" {
		o.rtmp = set.Arg(0)
	}
	return o, err
}

func (o *flags) connection(set *pflag.FlagSet) {
	set.StringVarP(&o.url, "url", "i", "", "`URL` followed by options: \"rtmp://host[:port]/path swfUrl=... live=1\"")
	set.VarP(first{&o.rtmp}, "rtmp", "r", "`URL`: rtmp[t][e|s]://host[:port]/app/playpath")
	set.StringVarP(&o.host, "host", "n", "", "`host` to connect to instead of the URL's")
	set.VarP(&o.port, "port", "c", "`port` to connect to instead of the URL's")
	set.VarP(&o.protocol, "protocol", "l", "protocol instead of the URL's, a `number`: 0 RTMP, 1 RTMPT, 2 RTMPE, 3 RTMPTE, 4 RTMPS, 5 RTMPTS")
	set.StringVarP(&o.socks, "socks", "S", "", "connect through this SOCKS4 proxy, `host[:port]`")
	set.StringVar(&o.proxy, "proxy", "", "connect through this proxy, a `URL`: socks4, socks4a, socks5, http or https; direct: none (default $ALL_PROXY)")
	set.VarP(&o.timeout, "timeout", "m", "give up after this many `seconds` without a byte (default 30; 0: never)")
	set.Var(&o.mediaTimeout, "media-timeout", "give up after this many `seconds` without a whole message of the stream (default 0: never)")
}

func (o *flags) session(set *pflag.FlagSet) {
	set.StringVarP(&o.app, "app", "a", "", "application on the server, instead of the URL's `name`")
	set.StringVarP(&o.playpath, "playpath", "y", "", "stream to play, instead of the URL's `name`")
	set.BoolVarP(&o.playlist, "playlist", "Y", false, "set a playlist before playing")
	set.StringVarP(&o.tcURL, "tcUrl", "t", "", "connect's tcUrl (\"rtmp://host:port/app\")")
	set.StringVarP(&o.pageURL, "pageUrl", "p", "", "connect's pageUrl, the page with the player")
	set.StringVarP(&o.swfURL, "swfUrl", "s", "", "connect's swfUrl, the player")
	set.StringVarP(&o.flashVer, "flashVer", "f", "", "connect's flashVer (\"LNX 10,0,32,18\")")
	set.StringVarP(&o.auth, "auth", "u", "", "append true and this `text` to connect")
	set.StringArrayVarP(&o.conn, "conn", "C", nil, "append a value to connect; may be repeated. `type:value` is B:0|1, S:text, N:number, Z:, "+
		"O:1 to begin an object and O:0 to end it, and within an object NB:name:0|1, NS:name:text, NN:name:number")
	set.StringVarP(&o.subscribe, "subscribe", "d", "", "subscribe to this `name` (with --live, the default is the stream's name)")
	set.StringVarP(&o.token, "token", "T", "", "`key` that answers a SecureToken challenge")
	set.StringVarP(&o.usherToken, "jtv", "j", "", "`JSON` token for Justin.tv's servers")
	set.StringVarP(&o.swfVfy, "swfVfy", "W", "", "`URL` of the player, to compute its hash and size")
	set.VarP(&o.swfAge, "swfAge", "X", "use a cached hash for this many `days` (default 30)")
	set.StringVarP(&o.swfHash, "swfhash", "w", "", "SHA-256 of the player, 64 `hex` digits")
	set.VarP(&o.swfSize, "swfsize", "x", "size of the player in `bytes`, decompressed")
	set.TextVar(&o.pipelining, "pipelining", rtmp.PipelineCommands, "what to pipeline while connecting, a `mode`: none, commands or handshake")
	set.BoolVar(&o.enhanced, "enhanced", false, "announce Enhanced RTMP; many servers need that to send HEVC, AV1, Opus and additional tracks")
}

func (o *flags) saving(set *pflag.FlagSet) {
	set.StringVarP(&o.output, "flv", "o", "", "save to this `file`; - is standard output, the default")
	set.BoolVarP(&o.live, "live", "v", false, "the stream is live: no seeking, no resuming")
	set.BoolVarP(&o.resume, "resume", "e", false, "continue the file; not with --live or standard output")
	set.VarP(&o.skip, "skip", "k", "with --resume, go back this many additional key `frames` (default 0)")
	set.VarP(&o.start, "start", "A", "begin this many `seconds` into the stream, such as 1.5 (default 0)")
	set.VarP(&o.stop, "stop", "B", "end this many `seconds` into the stream, counted from its beginning (default 0: its end)")
	set.VarP(&o.buffer, "buffer", "b", "let the server send this many `ms` ahead (default 36000000)")
	set.BoolVarP(&o.realtime, "realtime", "R", false, "don't use pauses to make servers send faster than real time")
	set.BoolVar(&o.recovers, "recover", false, "reconnect after a lost connection, or if the server asks to, and continue")
}

func (o *flags) messages(set *pflag.FlagSet, c *console) {
	set.BoolVarP(&o.hashes, "hashes", "#", false, "show progress as a # for each percent")
	for _, v := range []struct {
		name, short, usage string
		level              level
	}{
		{"quiet", "q", "print no messages", levelCritical},
		{"verbose", "V", "print more messages", levelDebug},
		{"debug", "z", "print all messages", levelAll},
	} {
		set.BoolFuncP(v.name, v.short, v.usage, func(string) error { c.level = v.level; return nil })
	}
	set.StringVar(&o.capture, "capture", "", "record the session to this `file`, without its secrets, for a bug report")
	set.BoolVar(&o.json, "json", false, "print a summary as JSON at the end, on standard output, or on standard error if standard output is the stream")
	set.BoolVarP(&o.help, "help", "h", false, "print this help")
	set.BoolVar(&o.version, "version", false, "print the version")
}

// expand completes abbreviated long options, as getopt_long does.
func expand(args []string, set *pflag.FlagSet) []string {
	expanded := append([]string{}, args...)
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		name, isLong := strings.CutPrefix(args[i], "--")
		if !isLong {
			if takesNext(args[i], set) {
				i++
			}
			continue
		}
		name, value, hasValue := strings.Cut(name, "=")
		f := complete(name, set)
		if f == nil {
			continue
		}
		if expanded[i] = "--" + f.Name; hasValue {
			expanded[i] += "=" + value
		} else if f.NoOptDefVal == "" {
			i++
		}
	}
	return expanded
}

func complete(name string, set *pflag.FlagSet) (found *pflag.Flag) {
	if f := set.Lookup(name); f != nil {
		return f
	}
	n := 0
	set.VisitAll(func(f *pflag.Flag) {
		if strings.HasPrefix(f.Name, name) {
			found = f
			n++
		}
	})
	if n != 1 {
		return nil
	}
	return found
}

// takesNext reports whether the last of a group of short options takes the next argument as its value.
func takesNext(arg string, set *pflag.FlagSet) bool {
	if len(arg) < 2 || arg[0] != '-' {
		return false
	}
	for i := 1; i < len(arg); i++ {
		if f := set.ShorthandLookup(arg[i : i+1]); f == nil || f.NoOptDefVal == "" {
			return f != nil && i == len(arg)-1
		}
	}
	return false
}

func usage() string {
	var b strings.Builder
	o := &flags{}
	b.WriteString("rtmpdump: saves RTMP streams as FLV.\n\n    rtmpdump rtmp://host/app/playpath -o file.flv [options]\n")
	for _, group := range []struct {
		title  string
		define func(*pflag.FlagSet)
	}{
		{"Connection", o.connection}, {"Session", o.session}, {"Saving", o.saving},
		{"Messages", func(set *pflag.FlagSet) { o.messages(set, &console{}) }},
	} {
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		set.SortFlags = false
		group.define(set)
		b.WriteString("\n" + group.title + ":\n" + set.FlagUsagesWrapped(110))
	}
	b.WriteString(`
Exit status: 0 complete, 1 failed, 2 incomplete (--resume may help), 3 not connected. A signal ends the
download with whole tags, and exit status 2, or 3 while connecting; another one, at least a second later, ends
rtmpdump at once.
`)
	return b.String()
}
