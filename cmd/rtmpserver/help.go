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
  Without options, rtmpserver relays live streams of any application on port 1935: a stream that is published as
  rtmp://host/app/name can be played from the same URL. It records nothing and serves no files. It prints the URLs for
  OBS, ffmpeg, ffplay, rtmpdump and browsers.

  With --http ADDRESS it also serves HTTP, with these paths:
    /                     a page with the streams, which plays them
    /app/name.flv         HTTP-FLV and WebSocket-FLV
    /fmp4/app/name.mp4    fragmented MP4
    /open /send /idle     RTMPT
    /healthz              for load balancers
    /metrics              for Prometheus, without the names of streams
    /stats                the server and its streams, as JSON
    /api/clients          the connected clients, as JSON; DELETE /api/clients/ID disconnects one
  Anyone who knows the name of a stream can publish it, unless keys, users or hooks are set up. Therefore the page, /stats
  and /api/clients are shown only on this machine, and to the users of --http-user. A reverse proxy on this machine must
  add X-Forwarded-For.

OPTIONS
`

const appendix = `
  A time is written 500ms, 10s or 2h, a size 4096, 500K, 8M or 2G, in units of 1024. A negative time or number turns a
  limit off, and 0 means the default, unless the option says otherwise.
  Keep passwords and keys in the file of --config: every user of this machine can read the command line.

FILES
  --config names a TOML file with options by their long names, and with a table for each application that has settings of
  its own. The command line overrides the file, and an application's table overrides both.

    http = ":8080"
    root = "/srv/rtmp"
    deny = ["192.0.2.0/24"]

    [app.live]
    record = true
    record-name = "{path}-{time}"
    keys = "/etc/rtmpserver/keys"

    [app.relay]
    pull = "rtmp://origin.example/live/"

  --keys names a file with a line "app/name key" for each stream that may be published, or "app/* key" for the streams of an
  application without a line of their own. The publisher adds the key to the name as a parameter: in OBS the stream key is
  NAME?key=KEY. Players need no key.

SIGNALS
  INT, TERM  Shut down: wait up to 5 seconds for clients to leave, then disconnect them. A second signal ends the wait.
             Recordings are completed either way.
  HUP        Reload certificates and keys. If a file can't be read, its previous contents stay in use.

EXIT STATUS
  0 after a signal, 1 on failure, 2 on invalid options.

EXAMPLES
  rtmpserver --http :8080
      Publish with ffmpeg -re -i film.mp4 -c copy -f flv rtmp://localhost/live/film, and open http://localhost:8080/.
  rtmpserver -r recordings -k
      Record everything in recordings/app/name.flv, name-2.flv and so on, and play it from there.
  rtmpserver --pull rtmp://origin.example/live/ --merge 350ms
      An edge: each stream is fetched once from the origin, however many players it has.
  rtmpserver --hook http://localhost:8085/api/v1/rtmp
      Let a program that was written for SRS's HTTP callbacks decide.
  rtmpserver --tunnel :8080 --target localhost:1935
      Add RTMPT to another server.
`

// help returns the text of --help.
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
	b.WriteString("\n  Files, Live streams, Access, Hooks and Other servers may differ from application to application.\n" + appendix)
	return b.String()
}
