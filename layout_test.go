package rtmp_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDirectionOfDependencies checks that each package imports only the packages listed here. public lists the packages that programs may
// import.
func TestDirectionOfDependencies(t *testing.T) {
	const module = "github.com/go-librtmp/rtmp"
	const public = "amf capture capture/pcap chunk download flv handshake media message relay rtmp server swf url"
	const probe = " cmd/rtmpprobe/internal/advice cmd/rtmpprobe/internal/dump cmd/rtmpprobe/internal/event cmd/rtmpprobe/internal/findings cmd/rtmpprobe/internal/online" +
		" cmd/rtmpprobe/internal/captured cmd/rtmpprobe/internal/report cmd/rtmpprobe/internal/show cmd/rtmpprobe/internal/stages cmd/rtmpprobe/internal/watch"
	const events = " cmd/rtmpprobe/internal/event cmd/rtmpprobe/internal/report"
	allowed := map[string]string{
		"amf": "", "chunk": "", "handshake": "", "swf": "", "url": "", "message": "amf chunk internal/quote", "flv": "amf internal/obu",
		"media":              "amf flv internal/obu message",
		"internal/admission": "", "internal/auth": "", "internal/iov": "", "internal/obu": "", "internal/quote": "", "internal/secret": "", "internal/selfsigned": "",
		"internal/transport": "internal/admission internal/quote",
		"internal/live":      "chunk flv internal/session message",
		"internal/vod":       "amf flv internal/iov internal/quote",
		"internal/method":    "amf",
		"internal/session":   "chunk flv internal/iov message",

		"internal/capturefile": "chunk handshake internal/secret message",
		"capture":              "chunk handshake internal/capturefile message",
		"capture/pcap":         "capture",

		"server":              "amf chunk flv handshake internal/admission internal/auth internal/capturefile internal/live internal/method internal/quote internal/session internal/transport internal/vod message swf",
		"server/servertest":   "amf flv internal/selfsigned message server",
		"internal/testserver": "amf chunk flv handshake internal/auth internal/quote internal/selfsigned internal/session internal/transport message server",

		// Only tests import these packages: no package above may list them.
		"internal/conntest": "", "internal/programtest": "internal/conntest", "internal/peertest": "amf chunk handshake internal/conntest message",
		"internal/rtmptest": "chunk flv internal/peertest internal/testserver message",

		"internal/encoded":   "media",
		"internal/observe":   "message",
		"internal/reconnect": "amf flv internal/observe message rtmp",
		"download":           "amf flv internal/observe internal/quote internal/reconnect message rtmp url",
		"relay":              "chunk flv internal/reconnect internal/session message rtmp url",
		"rtmp":               "amf chunk flv handshake internal/auth internal/capturefile internal/method internal/observe internal/quote internal/secret internal/session internal/transport message swf url",

		"cmd/rtmpdump":                  public + " internal/quote cmd/internal/hint cmd/internal/version",
		"cmd/rtmpprobe":                 public + " internal/quote internal/secret cmd/internal/hint cmd/internal/version" + probe,
		"cmd/rtmpprobe/internal/report": "message", "cmd/rtmpprobe/internal/show": "cmd/rtmpprobe/internal/report",
		"cmd/rtmpprobe/internal/event":    "chunk rtmp",
		"cmd/rtmpprobe/internal/dump":     "amf flv internal/quote message cmd/rtmpprobe/internal/event",
		"cmd/rtmpprobe/internal/captured": "capture rtmp cmd/rtmpprobe/internal/event internal/quote",
		"cmd/rtmpprobe/internal/findings": "handshake message rtmp cmd/rtmpprobe/internal/report",
		"cmd/rtmpprobe/internal/stages":   "amf flv internal/quote message rtmp" + events,
		"cmd/rtmpprobe/internal/watch":    "amf flv message" + events,
		"cmd/rtmpprobe/internal/online":   "flv message rtmp cmd/rtmpprobe/internal/event",
		"cmd/rtmpprobe/internal/advice":   "internal/quote message rtmp url cmd/rtmpprobe/internal/online" + events,
		"cmd/internal/hint":               "",
		"cmd/internal/version":            "",
		"cmd/rtmpserver":                  "cmd/internal/version cmd/rtmpserver/internal/edge cmd/rtmpserver/internal/hooks cmd/rtmpserver/internal/web handshake internal/admission internal/quote internal/transport message server",
		"cmd/rtmpserver/internal/edge":    "amf flv message relay rtmp server url",
		"cmd/rtmpserver/internal/fmp4":    "flv media",
		"cmd/rtmpserver/internal/hooks":   "amf internal/quote server",
		"cmd/rtmpserver/internal/web":     "cmd/rtmpserver/internal/fmp4 flv internal/live media message server",
		"examples":                        "",
		"examples/encode":                 public,
		"examples/frames":                 public,
		"examples/ingest":                 "server",
		"examples/play":                   public,
		"examples/publish":                public,
		"examples/relay":                  public,
		"examples/rpc":                    "rtmp server",
		"examples/server":                 "server",
		"interop":                         "",
	}
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		packages := strings.Fields(line)
		name := inside(module, packages[0])
		want, known := allowed[name]
		assert.True(t, known, "%s: say what it may import", name)
		for _, imported := range packages[1:] {
			if strings.HasPrefix(imported, module) {
				assert.Contains(t, strings.Fields(want), inside(module, imported), "imported by %s", name)
			}
		}
		delete(allowed, name)
	}
	assert.Empty(t, allowed, "packages that are not there")
}

// inside returns the path of a package within the module. For the root package it returns "rtmp".
func inside(module, path string) string {
	if path == module {
		return "rtmp"
	}
	return strings.TrimPrefix(path, module+"/")
}
