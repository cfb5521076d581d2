package advice_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/advice"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/online"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func plain(text string) string { return text }

func try(t *testing.T, o online.Options) ([]report.Trial, online.Options) {
	t.Helper()
	trials, found, ok := advice.Try(conntest.Context(t), o, &report.Report{Err: &message.StatusError{}}, false, plain)
	assert.Equal(t, ok, trials[len(trials)-1].Worked)
	return trials, found
}

func TestDifficultServers(t *testing.T) {
	is := func(name, want string) func(amf.Object) bool {
		return func(connect amf.Object) bool {
			value, _ := connect.Get(name)
			text, _ := value.(string)
			return strings.HasPrefix(text, want)
		}
	}
	for name, test := range map[string]struct {
		wants   func(connect amf.Object) bool
		works   string
		command string
	}{
		"no Enhanced RTMP": {func(o amf.Object) bool { _, found := o.Get("fourCcList"); return !found }, "Enhanced RTMP not announced", "rtmpdump"},
		"a publisher":      {is("flashVer", "FMLE"), "FMLE's flashVer and connect", "-f 'FMLE/3.0 (compatible; FMSc/1.0)'"},
		"a Flash player":   {is("flashVer", "WIN"), "a Flash player's flashVer", "-f 'WIN 32,0,0,465'"},
		"a page":           {is("pageUrl", "https://"), "a page and a player in connect", "-p https://127.0.0.1/"},
		"tcUrl":            {is("tcUrl", "rtmp://127.0.0.1/"), "tcUrl without the port", "-t rtmp://127.0.0.1/vod"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := rtmptest.Server(t, testserver.Config{Refuse: func(connect message.Command) amf.Object {
				if o, _ := connect.Object.(amf.Object); test.wants(o) {
					return nil
				}
				return message.StatusObject("error", message.CodeConnectRejected, "not like this")
			}})
			trials, found := try(t, online.Options{URL: srv.URL("vod", "sample")})
			last := trials[len(trials)-1]
			assert.Equal(t, report.Trial{What: test.works, Worked: true, Text: "media arrived"}, last)
			for _, failed := range trials[:len(trials)-1] {
				assert.Contains(t, failed.Text, "not like this")
			}
			assert.Contains(t, strings.Join(advice.Commands(found)[0].Lines, " "), test.command)
		})
	}
}

// TestAnotherWayToDivideThePath checks a server whose application has one path component and whose stream has two.
func TestAnotherWayToDivideThePath(t *testing.T) {
	srv := rtmptest.Server(t, testserver.Config{Apps: []string{"vod"}, Files: map[string][]byte{"x/sample": testserver.Sample}})
	trials, found := try(t, online.Options{URL: srv.URL("vod", "x/sample")})
	last := trials[len(trials)-1]
	if assert.True(t, last.Worked, "%v", trials) {
		assert.Contains(t, last.What, "application")
		assert.Contains(t, advice.Commands(found)[0].Lines[0], "-a vod ")
		assert.Contains(t, advice.Commands(found)[1].Lines[0], "-rtmp_app vod -rtmp_playpath STREAM")
	}
}

func TestAnotherTransport(t *testing.T) {
	srv := rtmptest.Server(t, testserver.Config{Scheme: "rtmpt"})
	o := online.Options{URL: strings.Replace(srv.URL("vod", "sample"), "rtmpt://", "rtmp://", 1)}
	trials, found, ok := advice.Try(conntest.Context(t), o, &report.Report{Err: &rtmp.HandshakeError{Stage: rtmp.StageRTMP}}, false, plain)
	require.True(t, ok, "%v", trials)
	assert.True(t, strings.HasPrefix(found.URL, "rtmpt://"))
}

// TestNoTrialProtectsLess checks that no trial for a URL with TLS or RTMPE uses less protection.
func TestNoTrialProtectsLess(t *testing.T) {
	for scheme, less := range map[string][]string{"rtmps": {"rtmp,", "rtmpt,", "rtmpe,", "not verified"}, "rtmpe": {"rtmp,", "rtmpt,"}} {
		for _, stage := range []string{rtmp.StageDial, rtmp.StageTLS, rtmp.StageRTMP, rtmp.StageRTMPE, rtmp.StageTunnel, rtmp.StageConnect, ""} {
			var err error
			if stage != "" {
				err = &rtmp.HandshakeError{Stage: stage}
			}
			o := online.Options{URL: scheme + "://127.0.0.1:" + conntest.UnusedPort(t) + "/app/key", Publish: true}
			trials, _, _ := advice.Try(conntest.Context(t), o, &report.Report{Err: err}, true, plain)
			for _, trial := range trials {
				for _, what := range less {
					assert.NotContains(t, trial.What, what, scheme, stage)
				}
			}
		}
	}
}

func TestAServerThatRefusesEverything(t *testing.T) {
	refuse := func(p *peertest.Peer) {
		if cmd := p.Expect("connect"); cmd != nil {
			p.Call(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", message.CodeConnectRejected, "go \x1b[2J away"))
		}
		p.UntilGone()
	}
	var scripts []func(*peertest.Peer)
	for range 20 {
		scripts = append(scripts, refuse)
	}
	url, accepted := peertest.Listen(t, scripts...)
	o := online.Options{URL: url, Publish: true, RTMP: rtmp.Options{Publish: true, Timeout: time.Second}}
	trials, _ := try(t, o)
	assert.EqualValues(t, len(trials), accepted.Load())
	assert.GreaterOrEqual(t, len(trials), 4)
	for _, trial := range trials {
		assert.False(t, trial.Worked)
		assert.NotContains(t, trial.Text, "\x1b")
	}
}

func TestTryEverything(t *testing.T) {
	srv := rtmptest.Server(t, testserver.Config{})
	trials, found, ok := advice.Try(conntest.Context(t), online.Options{URL: srv.URL("vod", "sample")}, &report.Report{}, true, plain)
	require.True(t, ok)
	assert.True(t, found.RTMP.NoEnhanced, "found must be the first trial that works")
	worked := 0
	for _, trial := range trials {
		if trial.Worked {
			worked++
		}
	}
	assert.GreaterOrEqual(t, worked, 5)
	assert.GreaterOrEqual(t, len(trials), worked+2, "the trials with TLS and with a tunnel fail")
}

func TestCommandsHoldNoSecrets(t *testing.T) {
	for _, publish := range []bool{false, true} {
		var text strings.Builder
		for _, command := range advice.Commands(online.Options{Publish: publish, URL: "rtmps://us3r:pa55@example.com/app?t1=tok1/k3y?t2=tok2",
			RTMP: rtmp.Options{TCURL: "rtmp://example.com/app?tok3", Subscribe: "k3y", FlashVer: "it's me; rm -rf"}}) {
			text.WriteString(strings.Join(command.Lines, "\n") + "\n")
		}
		for _, secret := range []string{"us3r", "pa55", "tok1", "k3y", "tok2", "tok3"} {
			assert.NotContains(t, text.String(), secret)
		}
		assert.Contains(t, text.String(), `'it'\''s me; rm -rf'`)
	}
}
