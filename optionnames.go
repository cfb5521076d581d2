package rtmp

import (
	"errors"
	"strconv"
	"strings"
	"time"

	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// setup collects the settings until Connect is called.
type setup struct {
	settings
	items connectData // values of conn=, which follow those of Options.ConnectData
}

func (s *setup) clone() setup {
	return setup{settings: settings{url: s.url, opts: s.opts.clone()}, items: s.items.clone()}
}

// finish returns the settings. The error is an *OptionError.
func (s *setup) finish() (settings, error) {
	done := s.settings
	if items := s.items.list(); len(items) > 0 {
		done.opts = s.opts.clone()
		done.opts.ConnectData = append(done.opts.ConnectData, items...)
	}
	return done, done.opts.validate()
}

// replace sets the URL and the options that follow it, as in "rtmp://host/app/play name=value". If it returns an error, nothing has
// changed.
func (s *setup) replace(rawURL string) error {
	rawURL, options, err := rtmpurl.SplitOptions(rawURL)
	if err != nil {
		return err
	}
	url, err := rtmpurl.Parse(rawURL)
	if err != nil {
		return err
	}
	changed := *s
	if len(options) > 0 {
		changed = s.clone()
	}
	changed.url = url
	for _, option := range options {
		if err := changed.set(option.Name, option.Value); err != nil {
			return err
		}
	}
	*s = changed
	return nil
}

// optionTable lists the options that SetOption and the tail of a URL can set. Names are librtmp's; letter case does not matter.
var optionTable = []struct {
	name   string
	secret bool // the value stays out of errors
	set    func(s *setup, value string) error
}{
	{"app", false, text(func(o *Options) *string { return &o.App })},
	{"tcUrl", false, text(func(o *Options) *string { return &o.TCURL })},
	{"pageUrl", false, text(func(o *Options) *string { return &o.PageURL })},
	{"swfUrl", false, text(func(o *Options) *string { return &o.SWFURL })},
	{"flashver", false, text(func(o *Options) *string { return &o.FlashVer })},
	{"conn", true, func(s *setup, item string) error { return s.items.add(item) }}, // a string in conn= is often a ticket
	{"playpath", false, text(func(o *Options) *string { return &o.Playpath })},
	{"subscribe", false, text(func(o *Options) *string { return &o.Subscribe })},
	{"socks", false, func(s *setup, value string) error { s.opts.Proxy = "socks4://" + value; return nil }},
	{"jtv", true, text(func(o *Options) *string { return &o.UsherToken })},
	{"token", true, text(func(o *Options) *string { return &o.Token })},
	{"pubUser", false, text(func(o *Options) *string { return &o.PublishUser })},
	{"pubPasswd", true, text(func(o *Options) *string { return &o.PublishPassword })},
	{"live", false, flag(func(o *Options) *bool { return &o.Live })},
	{"playlist", false, flag(func(o *Options) *bool { return &o.Playlist })},
	{"swfVfy", false, flag(func(o *Options) *bool { return &o.SWFVerify })},
	{"swfAge", false, number(24*time.Hour, func(o *Options) *time.Duration { return &o.SWFAge }, -1)},
	{"start", false, number(time.Millisecond, func(o *Options) *time.Duration { return &o.Start }, 0)},
	{"stop", false, number(time.Millisecond, func(o *Options) *time.Duration { return &o.Stop }, 0)},
	{"buffer", false, number(time.Millisecond, func(o *Options) *time.Duration { return &o.Buffer }, 0)},
	{"timeout", false, number(time.Second, func(o *Options) *time.Duration { return &o.Timeout }, -1)},
}

func text(field func(*Options) *string) func(*setup, string) error {
	return func(s *setup, value string) error { *field(s.opts) = value; return nil }
}

func flag(field func(*Options) *bool) func(*setup, string) error {
	return func(s *setup, value string) error {
		switch strings.ToLower(value) {
		case "1", "on", "yes", "true":
			*field(s.opts) = true
		case "0", "off", "no", "false":
			*field(s.opts) = false
		default:
			return errors.New("not a boolean: use 1, on, yes, true, 0, off, no or false")
		}
		return nil
	}
}

// number parses an integer as C's strtol does with base 0: decimal, hexadecimal after 0x, or octal after 0. A value that overflows
// time.Duration (292 years) is an error. zero is stored for the value 0, for fields whose zero value has another meaning.
func number(unit time.Duration, field func(*Options) *time.Duration, zero time.Duration) func(*setup, string) error {
	return func(s *setup, value string) error {
		n, err := strconv.ParseInt(value, 0, 32)
		if err != nil {
			return errors.New("not a whole number")
		}
		d := time.Duration(n) * unit
		if d/unit != time.Duration(n) {
			return errors.New("out of range")
		}
		if n == 0 {
			d = zero
		}
		*field(s.opts) = d
		return nil
	}
}

// set sets an option by librtmp's name and in librtmp's syntax. The error is an *OptionError.
func (s *setup) set(name, value string) error {
	for _, option := range optionTable {
		if !strings.EqualFold(option.name, name) {
			continue
		}
		if err := option.set(s, value); err != nil {
			if option.secret {
				value = ""
			}
			return &OptionError{Name: option.name, Value: value, Err: err}
		}
		return nil
	}
	return &OptionError{Name: name, Err: errors.New("unknown option")}
}
