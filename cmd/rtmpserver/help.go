package main

import (
	"strings"

	"github.com/spf13/pflag"
)

const description = `NAME
  rtmpserver - an RTMP server

SYNOPSIS
  rtmpserver [options]
  rtmpserver --tunnel ADDRESS --target HOST:PORT

DESCRIPTION
  Without options, rtmpserver relays live streams of any application on port 1935: whatever is published as
  rtmp://host/app/name is played as rtmp://host/app/name. It records nothing and serves no files. It prints the URLs for
  OBS, ffmpeg, ffplay, rtmpdump and browsers.

  With --http there are, at the address that it names:
    /                     a page with the streams, which plays them
    /app/name.flv         HTTP-FLV and WebSocket-FLV
    /fmp4/app/name.mp4    fragmented MP4
    /open /send /idle     RTMPT
    /healthz              for load balancers
    /metrics              for Prometheus; no names in it
    /stats                the server and its streams, JSON
    /api/clients          who is connected, JSON; DELETE /api/clients/ID disconnects
  The name of a stream is all it takes to publish it where nothing else is asked for. So the page, /stats and /api/clients
  are for this machine only, or for those with --http-user. A proxy on this machine has to add X-Forwarded-For.

OPTIONS
`

const appendix = `
  A time is 500ms, 10s or 2h; a size is 4096, 500K, 8M or 2G, in units of 1024. A negative time or number turns a limit off.
  Passwords and keys are better kept in the file of --config: others on this machine see the command line.

FILES
  --config names a TOML file. It has the options by their long names, and a table for each application with settings of
  its own. The command line counts before the file, and an application's table before both.

    http = ":8080"
    root = "/srv/rtmp"
    deny = ["192.0.2.0/24"]

    [app.live]
    record = true
    record-name = "{path}-{time}"
    keys = "/etc/rtmpserver/keys"

    [app.relay]
    pull = "rtmp://origin.example/live/"

  --keys names a file with a line "app/name key" for each stream that may be published, or "app/* key" for those of an
  application that have no line of their own. The publisher gives the key as a parameter of the name: NAME?key=KEY is the
  stream key in OBS. Players need no key.

SIGNALS
  INT, TERM  Clients are asked to leave, and disconnected after 5 seconds; recordings are closed. Again: at once.
  HUP        Certificates and keys are read again. If that fails, they stay what they were.

EXIT STATUS
  0 after a signal, 1 when something failed, 2 when the options can't be used.

EXAMPLES
  rtmpserver --http :8080
      Publish with ffmpeg -re -i film.mp4 -c copy -f flv rtmp://localhost/live/film, and open http://localhost:8080/.
  rtmpserver -r recordings -k
      Record everything in recordings/app/name.flv, and play it from there.
  rtmpserver --pull rtmp://origin.example/live/ --merge 350ms
      An edge: what players ask for is fetched once from the origin.
  rtmpserver --hook http://localhost:8085/api/v1/rtmp
      A program that was written for SRS's HTTP callbacks decides.
  rtmpserver --tunnel :8080 --target localhost:1935
      RTMPT for a server that does not have it.
`

// help is the text of --help.
func help() string {
	var b strings.Builder
	b.WriteString(description)
	for i, g := range defaults().groups() {
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		set.SortFlags = false
		g.define(set)
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString("  " + g.title + ":\n" + set.FlagUsagesWrapped(110))
	}
	b.WriteString("\n  Files, Live streams, Who may do what, Hooks and Other servers may differ from application to application.\n" + appendix)
	return b.String()
}
