package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/pflag"
)

// maxChunkSize is the length of the longest message, so that larger chunks make no difference (RTMP 1.0 section 5.4.1).
const maxChunkSize = 1<<24 - 1

// settings are the settings on the command line and in the file.
type settings struct {
	host                    string
	port, tlsPort           uint16
	tlsCert, tlsKey         string
	rtmpe                   bool
	trustedProxies          prefixes
	http, https             address
	httpUsers               accounts
	httpPublic              bool
	cors                    []string
	tunnel, target          address
	maxConns, maxConnsPerIP int
	maxStreams              int
	maxMessage              size
	chunkSize               int
	windowAckSize           uint32
	setup, idle, write      time.Duration
	config                  string
	otherApps               bool
	debug, dump             bool
	log, capture            string
	help, version           bool

	app  appSettings             // settings for every application
	apps map[string]*appSettings // settings of the applications that the file names
}

// group is a group of options with its title in --help.
type group struct {
	title  string
	define func(*pflag.FlagSet)
}

// groups returns all options in the order of --help. The options of applications come last.
func (s *settings) groups() []group {
	return append([]group{
		{"Listening", s.listening}, {"HTTP", s.web}, {"Tunnel", s.forwarding}, {"Limits", s.limits}, {"General", s.command},
	}, s.app.groups()...)
}

func (s *settings) listening(set *pflag.FlagSet) {
	set.StringVarP(&s.host, "host", "i", s.host, "listen on this `address` only")
	set.Uint16VarP(&s.port, "port", "p", 1935, "listen on this `port` for RTMP; 0: any")
	set.StringVar(&s.tlsCert, "tls-cert", "", "PEM `file` with the certificate and its chain; enables RTMPS, and --https")
	set.StringVar(&s.tlsKey, "tls-key", "", "PEM `file` with the private key of the certificate")
	set.Uint16Var(&s.tlsPort, "tls-port", 443, "listen on this `port` for RTMPS; 0: any")
	set.BoolVar(&s.rtmpe, "rtmpe", false, "accept RTMPE on the RTMP port; it hides streams from eavesdroppers, but does not authenticate anyone")
	set.Var(&s.trustedProxies, "trusted-proxy", "trust the PROXY protocol and X-Forwarded-For from this network; may be repeated")
}

func (s *settings) web(set *pflag.FlagSet) {
	set.Var(&s.http, "http", "serve HTTP at this address, such as :8080")
	set.Var(&s.https, "https", "serve HTTPS at this address")
	set.Var(&s.httpUsers, "http-user", "who may see the names of streams and disconnect clients; may be repeated; without it only this machine "+
		"may, since names are keys")
	set.BoolVar(&s.httpPublic, "http-public", false, "show the page, and the names of all streams, to everyone")
	set.StringArrayVar(&s.cors, "cors", []string{"*"},
		"web `origin` whose pages may play streams, such as https://example.com; \"\": none but ours; may be repeated")
}

func (s *settings) forwarding(set *pflag.FlagSet) {
	set.Var(&s.tunnel, "tunnel", "only forward RTMPT, from this address to --target; RTMPTS if there is --tls-cert")
	set.Var(&s.target, "target", "`host:port` of the RTMP server that --tunnel forwards to")
}

func (s *settings) limits(set *pflag.FlagSet) {
	set.IntVar(&s.maxConns, "max-conns", 0, "maximum `number` of connections and HTTP viewers, and separately of HTTP connections (0: no limit)")
	set.IntVar(&s.maxConnsPerIP, "max-conns-per-ip", 0, "the same `number` for one IPv4 address or IPv6 /64; at least 8 for HTTP, "+
		"since browsers open several connections (0: no limit)")
	set.IntVar(&s.maxStreams, "max-streams", 0, "maximum `number` of streams of one connection (16)")
	set.Var(&s.maxMessage, "max-message", "longest message accepted (8M)")
	set.DurationVar(&s.setup, "setup-timeout", 0, "`time` a client has to send connect (10s)")
	set.DurationVar(&s.idle, "idle-timeout", 0, "disconnect a client that is silent for this `time` (1m)")
	set.DurationVar(&s.write, "write-timeout", 0, "disconnect a client that accepts no data for this `time` (20s)")
	set.IntVar(&s.chunkSize, "chunk-size", 0, "size of sent chunks in `bytes` (65536)")
	set.Uint32Var(&s.windowAckSize, "window-ack-size", 0, "window acknowledgement size in `bytes` (2500000)")
}

func (s *settings) command(set *pflag.FlagSet) {
	set.StringVar(&s.config, "config", "", "read options from this `file`; see FILES")
	set.BoolVar(&s.otherApps, "other-apps", true, "also serve applications that the file does not name")
	set.BoolVarP(&s.debug, "debug", "d", false, "log more")
	set.BoolVarP(&s.dump, "verbose", "v", false, "log every packet received, without its contents")
	set.StringVar(&s.capture, "capture", "", "record every connection to a file in this `folder`, without its secrets, for a bug report; see package capture")
	set.Var(oneOf(&s.log, "auto", "text", "json"), "log",
		"log format; auto: text on a terminal, JSON otherwise")
	set.BoolVarP(&s.help, "help", "h", false, "print this help")
	set.BoolVar(&s.version, "version", false, "print the version")
}

// defaults returns the settings of an empty command line. A value of 0 means package server's default.
func defaults() *settings {
	return &settings{log: "auto", app: appSettings{
		authScheme: "adobe", hookTimeout: 3 * time.Second, hookDown: "deny", pullIdle: 10 * time.Second, maxPulls: 1000,
	}}
}

// parse parses the command line, and the file that it names.
func parse(args []string) (*settings, error) {
	s := defaults()
	set := flagSet(s.groups())
	if err := set.Parse(args); err != nil {
		return nil, withoutValue(err)
	}
	if s.help || s.version {
		return s, nil
	}
	if set.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	if s.config != "" {
		if err := s.readConfig(set); err != nil {
			return nil, fmt.Errorf("%s: %w", s.config, err)
		}
	}
	return s, s.check()
}

// withoutValue returns err without the value of the option, which may be a secret.
func withoutValue(err error) error {
	if invalid := (*pflag.InvalidValueError)(nil); errors.As(err, &invalid) {
		return fmt.Errorf("--%s: %w", invalid.GetFlag().Name, badValue(invalid.GetFlag(), invalid.Unwrap()))
	}
	if unknown := (*pflag.NotExistError)(nil); errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "" {
		return fmt.Errorf("unknown option -%s", unknown.GetSpecifiedName())
	}
	return err
}

// badValue replaces an error of the standard library, which names a function and quotes the value.
func badValue(flag *pflag.Flag, err error) error {
	var number *strconv.NumError
	switch {
	case flag.Value.Type() == "duration":
		return errors.New("not a time, such as 500ms, 30s or 2m")
	case !errors.As(err, &number):
		return err
	case number.Func == "ParseBool":
		return errors.New("not true or false")
	case errors.Is(err, strconv.ErrRange):
		return errors.New("out of range")
	}
	return errors.New("not a whole number")
}

func flagSet(groups []group) *pflag.FlagSet {
	set := pflag.NewFlagSet("rtmpserver", pflag.ContinueOnError)
	set.Usage = func() {}
	for _, g := range groups {
		g.define(set)
	}
	return set
}

// check returns an error if the settings contradict each other.
func (s *settings) check() error {
	switch {
	case (s.tlsCert == "") != (s.tlsKey == ""):
		return errors.New("--tls-cert and --tls-key need each other")
	case s.https != "" && s.tlsCert == "":
		return errors.New("--https needs --tls-cert and --tls-key")
	case (s.tunnel == "") != (s.target == ""):
		return errors.New("--tunnel and --target need each other")
	case s.tunnel != "" && (s.http != "" || s.https != "" || s.app.root != "" || len(s.apps) > 0):
		return errors.New("--tunnel only forwards: it can't be combined with --http, --https, --root or applications")
	case s.chunkSize > maxChunkSize:
		return fmt.Errorf("--chunk-size must be at most %d", maxChunkSize)
	case !s.otherApps && len(s.apps) == 0:
		return errors.New("without --other-apps the file must name an application")
	}
	if err := s.app.check(); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(s.apps)) {
		if err := s.apps[name].check(); err != nil {
			return fmt.Errorf("app.%s: %w", name, err)
		}
	}
	return nil
}

// logLevel returns the lowest level that is logged.
func (s *settings) logLevel() slog.Level {
	if s.debug {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}
