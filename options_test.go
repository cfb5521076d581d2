package rtmp

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
)

type vector struct {
	Input                                                                        string
	OK                                                                           bool `json:"ok"`
	Protocol                                                                     int
	Port                                                                         uint16
	Host, App, Playpath, TCURL, SWFURL, PageURL, FlashVer, Subscribe, Token, JTV string
	PubUser, SocksHost                                                           string
	SocksPort, Start, Stop, Buffer, Timeout, SWFAge                              int
	Live, SWFVfy, Playlist                                                       bool
	ExtrasAMF0                                                                   string
}

// stricter contains the vectors that librtmp accepts and this library refuses: malformed booleans and numbers.
var stricter = map[string]string{
	"rtmp://media.example.com/app/play live=maybe":                       "live",
	"rtmp://media.example.com/app/play timeout=":                         "timeout",
	`rtmpe://h1/app/play live=TRUE timeout= flashver=WIN\2011,5,502,146`: "timeout",
	"rtmpe://h2:81/app/foo.flv live=maybe stop=120 conn=B:0":             "live",
	"rtmpts://h1/app/inst?slist=mp4:a/b start=-5 live=maybe live=0":      "live",
}

func TestURLVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/url.json")
	require.NoError(t, err)
	var vectors []vector
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.Len(t, vectors, 103)
	schemes := map[string]int{"rtmp": 0, "rtmpt": 1, "rtmpe": 2, "rtmpte": 3, "rtmps": 4, "rtmpts": 5}
	refused := 0
	for _, v := range vectors {
		t.Run(v.Input, func(t *testing.T) {
			c, err := New(v.Input, nil)
			if name, ok := stricter[v.Input]; ok {
				refused++
				var option *OptionError
				require.ErrorAs(t, err, &option)
				assert.Equal(t, name, option.Name)
				return
			}
			if !v.OK {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			o := c.setup.opts
			assert.Equal(t, v.Protocol, schemes[c.setup.url.Scheme])
			assert.Equal(t, v.Port, c.setup.url.EffectivePort())
			assert.Equal(t, v.Host, c.setup.url.Host)
			assert.Equal(t, v.Playpath, c.setup.playpath())
			if o.App == "" {
				assert.Equal(t, v.App, c.setup.url.App)
			} else {
				assert.Equal(t, v.App, o.App)
			}
			// For a URL without a port, librtmp writes port 0 into the tcUrl.
			assert.Equal(t, strings.Replace(v.TCURL, ":0/other/", "/other/", 1), c.setup.url.TCURL(o.App))
			for _, field := range [][2]string{{v.SWFURL, o.SWFURL}, {v.PageURL, o.PageURL}, {v.FlashVer, o.FlashVer},
				{v.Subscribe, o.Subscribe}, {v.Token, o.Token}, {v.JTV, o.UsherToken}, {v.PubUser, o.PublishUser}} {
				assert.Equal(t, field[0], field[1])
			}
			assert.Equal(t, []bool{v.Live, v.SWFVfy, v.Playlist}, []bool{o.Live, o.SWFVerify, o.Playlist})
			assert.Equal(t, time.Duration(v.Start)*time.Millisecond, o.Start)
			assert.Equal(t, time.Duration(v.Stop)*time.Millisecond, o.Stop)
			assert.Equal(t, time.Duration(v.Timeout)*time.Second, o.Timeout)
			assert.Equal(t, time.Duration(v.Buffer)*time.Millisecond, orDefault(o.Buffer, defaultBuffer))
			age := orDefault(o.SWFAge, 30*24*time.Hour)
			assert.Equal(t, time.Duration(v.SWFAge)*24*time.Hour, max(0, age), "0 days: negative here, always revalidate")
			if v.SocksHost != "" {
				assert.Equal(t, "socks4://127.0.0.1:1080", o.Proxy)
			}
			extras, err := amf.AppendAMF0(nil, c.setup.items.list()...)
			require.NoError(t, err)
			assert.Equal(t, v.ExtrasAMF0, hex.EncodeToString(extras))
		})
	}
	assert.Equal(t, len(stricter), refused, "every exception is one of the vectors")
}

func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}

func TestSetOptionErrors(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"nonsense", "1", "unknown option"},
		{"start", "1s", "whole number"},
		{"timeout", "99999999999", "whole number"},
		{"playlist", "maybe", "boolean"},
		{"conn", "O:0", "no object is open"},
		{"conn", "NS:a:b", "O:1 comes first"},
		{"conn", "X:1", "type letter"},
		{"conn", "N:one", "number"},
		{"conn", "B:yes", "boolean"},
		{"conn", "S", "missing :"},
		{"conn", "O:", "1 to open or 0 to close"},
		{"conn", "O:x", "1 to open or 0 to close"},
		{"conn", "NS:a", "missing : after the member's name"},
		{"conn", "NZ:a:", "O:1 comes first"},
		{"conn", "", "missing :"},
		{"swfAge", "200000", "out of range"},
		{"swfAge", "-200000", "out of range"},
		{"start", "", "whole number"},
		{"stop", "08", "whole number"},
		{"buffer", "1.5", "whole number"},
		{"live", "", "boolean"},
	} {
		t.Run(test.name+"="+test.value, func(t *testing.T) {
			c, err := New("rtmp://h/a/p", nil)
			require.NoError(t, err)
			err = c.SetOption(test.name, test.value)
			var option *OptionError
			require.ErrorAs(t, err, &option)
			assert.Equal(t, test.name, option.Name)
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestConnectDataAcrossCalls(t *testing.T) {
	c, err := New("rtmp://h/a/p", &Options{ConnectData: []any{"first"}})
	require.NoError(t, err)
	for _, item := range []string{"O:1", "NN:code:1.5", "NO:inner:1", "NB:yes:1", "O:0", "NS:text:a:b", "O:0", "Z:"} {
		require.NoError(t, c.SetOption("CONN", item))
	}
	finished, err := c.setup.finish()
	require.NoError(t, err)
	assert.Equal(t, []any{"first", amf.Object{{Name: "code", Value: 1.5},
		{Name: "inner", Value: amf.Object{{Name: "yes", Value: true}}}, {Name: "text", Value: "a:b"}}, nil}, finished.opts.ConnectData)
	require.Error(t, c.SetOption("conn", "O:0"), "nothing is open any more")
}

func TestConnectDataInsideObjects(t *testing.T) {
	open := func(t *testing.T, items ...string) (*setup, error) {
		o := &setup{settings: settings{opts: new(Options)}}
		require.NoError(t, o.set("conn", "O:1"))
		for _, item := range items {
			if err := o.set("conn", item); err != nil {
				return o, err
			}
		}
		return o, nil
	}
	t.Run("what librtmp spoils", func(t *testing.T) {
		for _, unnamed := range []string{"S:a", "B:1", "N:1", "Z:", "O:1"} {
			_, err := open(t, unnamed)
			assert.ErrorContains(t, err, "inside an object needs a name", unnamed)
		}
		_, err := open(t, "O:0", "O:0")
		assert.ErrorContains(t, err, "no object is open")
	})
	t.Run("a null keeps its name", func(t *testing.T) {
		o, err := open(t, "NZ:gone:", "O:0")
		require.NoError(t, err)
		assert.Equal(t, []any{amf.Object{{Name: "gone", Value: nil}}}, o.items.list())
	})
	t.Run("left open", func(t *testing.T) {
		o, err := open(t, "NO:inner:0", "NN:n:-1e3")
		require.NoError(t, err)
		assert.Equal(t, []any{amf.Object{{Name: "inner", Value: amf.Object{{Name: "n", Value: -1000.0}}}}}, o.items.list())
	})
	t.Run("a refused item changes nothing", func(t *testing.T) {
		o, err := open(t, "NS:a:b", "NN:c:one")
		require.Error(t, err)
		require.NoError(t, o.set("conn", "O:0"))
		assert.Equal(t, []any{amf.Object{{Name: "a", Value: "b"}}}, o.items.list())
	})
	t.Run("depth", func(t *testing.T) {
		_, err := open(t, slices.Repeat([]string{"NO:x:1"}, 16)...)
		assert.ErrorContains(t, err, "nested too deep")
	})
}

func TestOptionTable(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		name, value string
		want        Options
	}{
		{"socks", "proxy:1081", Options{Proxy: "socks4://proxy:1081"}},
		{"app", "a b", Options{App: "a b"}},
		{"tcUrl", "rtmp://x/y", Options{TCURL: "rtmp://x/y"}},
		{"pageUrl", "http://p", Options{PageURL: "http://p"}},
		{"swfUrl", "http://s", Options{SWFURL: "http://s"}},
		{"flashver", "WIN", Options{FlashVer: "WIN"}},
		{"conn", "N:16", Options{ConnectData: []any{16.0}}},
		{"playpath", "mp4:x", Options{Playpath: "mp4:x"}},
		{"playlist", "on", Options{Playlist: true}},
		{"live", "YES", Options{Live: true}},
		{"subscribe", "feed", Options{Subscribe: "feed"}},
		{"jtv", "j", Options{UsherToken: "j"}},
		{"token", "t", Options{Token: "t"}},
		{"swfVfy", "1", Options{SWFVerify: true}},
		{"swfAge", "7", Options{SWFAge: 7 * day}},
		{"swfAge", "0", Options{SWFAge: -1}},
		{"start", "-5", Options{Start: -5 * time.Millisecond}},
		{"stop", "0x10", Options{Stop: 16 * time.Millisecond}},
		{"buffer", "010", Options{Buffer: 8 * time.Millisecond}},
		{"timeout", "5", Options{Timeout: 5 * time.Second}},
		{"timeout", "0", Options{Timeout: -1}},
		{"pubUser", "u", Options{PublishUser: "u"}},
		{"pubPasswd", "p", Options{PublishPassword: "p"}},
	}
	covered := map[string]bool{}
	for _, tt := range tests {
		covered[tt.name] = true
		for _, name := range []string{tt.name, strings.ToUpper(tt.name), strings.ToLower(tt.name)} {
			s := setup{settings: settings{opts: new(Options)}}
			require.NoError(t, s.set(name, tt.value), name)
			s.opts.ConnectData = s.items.list()
			assert.Equal(t, tt.want, *s.opts, name)
		}
	}
	for _, option := range optionTable {
		assert.True(t, covered[option.name], "no test for option %s", option.name)
	}
}

func TestFalseClears(t *testing.T) {
	for _, value := range []string{"0", "off", "No", "FALSE"} {
		s := setup{settings: settings{opts: &Options{Live: true, Playlist: true, SWFVerify: true}}}
		for _, name := range []string{"live", "playlist", "swfVfy"} {
			require.NoError(t, s.set(name, value))
		}
		assert.Equal(t, Options{}, *s.opts, value)
	}
}

func TestOptionErrorsKeepSecrets(t *testing.T) {
	for _, tail := range []string{`token=hunter\zz`, `pubPasswd=hunter2\`, "conn=O:1 conn=S:hunter2", "conn=NS:hunter2", "nope=hunter2"} {
		_, err := New("rtmp://h/a/p "+tail, nil)
		require.Error(t, err, tail)
		assert.NotContains(t, err.Error(), "hunter", tail)
	}
}

func TestOptionsAreCopied(t *testing.T) {
	o := &Options{ConnectData: []any{1.0}, Live: true}
	c, err := New("rtmp://h/a/p live=0 conn=S:x", o)
	require.NoError(t, err)
	assert.False(t, c.setup.opts.Live, "a false boolean clears the flag")
	assert.True(t, o.Live)
	assert.Len(t, o.ConnectData, 1)
}

// TestConnOptions checks that Options returns what the URL and SetOption have set, and a copy.
func TestConnOptions(t *testing.T) {
	c, err := New("rtmp://h/a/p start=1500 conn=O:1 conn=NS:x:y", &Options{Live: true, Start: time.Hour, ConnectData: []any{1.0}})
	require.NoError(t, err)
	require.NoError(t, c.SetOption("live", "0"))
	o := c.Options()
	assert.False(t, o.Live)
	assert.Equal(t, 1500*time.Millisecond, o.Start)
	assert.Equal(t, []any{1.0, amf.Object{{Name: "x", Value: "y"}}}, o.ConnectData)
	assert.Equal(t, "p", o.Playpath)
	o.Playpath = "changed"
	require.NoError(t, c.SetOption("swfVfy", "1")) // invalid without swfUrl, which only Connect reports
	require.NoError(t, c.SetOption("playpath", "q"))
	assert.Equal(t, "q", c.Options().Playpath)
	assert.True(t, c.Options().SWFVerify)
}

func TestOptionsThatCannotBeMeantAreRefused(t *testing.T) {
	for raw, opts := range map[string]*Options{
		"rtmp://h/a/p swfVfy=1":          nil,
		"rtmp://h/a/p socks=127.0.0.1:0": nil,
		"rtmp://h/a/0":                   {Proxy: "http://user:secret@:1"},
		"rtmp://h/a/1":                   {Proxy: "gopher://user:secret@h"},
		"rtmp://h/a/2":                   {SWFHash: []byte("short"), SWFSize: 1},
		"rtmp://h/a/3":                   {SWFHash: make([]byte, 32)},
		"rtmp://h/a/4":                   {ObjectEncoding: 1},
		"rtmp://h/a/5":                   {ChunkSize: -1},
		"rtmp://h/a/6":                   {FollowReconnect: -1},
		"rtmp://h/a/7":                   {FollowReconnect: FollowAny + 1},
	} {
		_, err := Dial(t.Context(), raw, opts)
		var option *OptionError
		require.ErrorAs(t, err, &option, raw)
		assert.NotContains(t, err.Error(), "secret")
	}
}

func TestSetupURLThatFailsChangesNothing(t *testing.T) {
	c, err := New("rtmp://h/a/p", nil)
	require.NoError(t, err)
	require.Error(t, c.SetupURL("rtmp://other/b/q live=1 conn=S:x buffer=never"))
	assert.Equal(t, "h", c.setup.url.Host)
	assert.False(t, c.setup.opts.Live)
	assert.Empty(t, c.setup.items.list())
}

func TestSetOptionBesideSetupURL(t *testing.T) {
	c, err := New("rtmp://h/a/p", nil)
	require.NoError(t, err)
	var all sync.WaitGroup
	for _, f := range []func() error{
		func() error { return c.SetOption("live", "1") },
		func() error { return c.SetOption("conn", "S:x") },
		func() error { return c.SetupURL("rtmp://other/b/q conn=Z:") },
		func() error { return c.SetupURL("rtmp://h/a/p start=1") },
	} {
		all.Go(func() {
			for range 100 {
				if err := f(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	require.Len(t, c.setup.items.list(), 200, "nothing is lost")
}

func TestSetOptionBesideConnect(t *testing.T) {
	for range 50 {
		c, err := New("rtmp://h/a/p", &Options{DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, net.ErrClosed
		}})
		require.NoError(t, err)
		var all sync.WaitGroup
		all.Go(func() { c.Connect(t.Context()) })
		all.Go(func() { c.SetOption("swfVfy", "0") })
		all.Go(func() { c.SetupURL("rtmp://h/a/p timeout=3") })
		all.Wait()
		c.Close()
	}
}

// TestSetupURLThatFailsLeavesOpenObjects checks that a failed SetupURL does not change the objects of conn=, even open ones.
func TestSetupURLThatFailsLeavesOpenObjects(t *testing.T) {
	c, err := New("rtmp://h/a/p conn=O:1 conn=NS:a:b", nil)
	require.NoError(t, err)
	require.Error(t, c.SetupURL("rtmp://h/a/p conn=NS:leaked:x conn=NO:deeper:1 buffer=never"))
	require.NoError(t, c.SetOption("conn", "NN:n:1"))
	require.NoError(t, c.SetOption("conn", "O:0"))
	require.Error(t, c.SetOption("conn", "O:0"), "nothing is open any more")
	require.Equal(t, []any{amf.Object{{Name: "a", Value: "b"}, {Name: "n", Value: 1.0}}}, c.setup.items.list())
}
