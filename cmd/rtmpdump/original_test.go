package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// commandLines are run with RTMPDump and with this command. The results must be the same, except where a reason is given for a difference
// in the exit code, the file, the wire (what was sent) or the buffer length.
var commandLines = []struct {
	name, args string
	alone      string // an argument for this command alone
	before     string // part of the sample that the file contains at first; "" means that there is no file
	config     testserver.Config
	differs    map[string]string
}{
	{name: "plain", args: "-r URL/sample -o FILE"},
	{name: "long options", args: "--rtmp URL/sample --flv FILE"},
	{name: "values with =", args: "--rtmp=URL/sample --flv=FILE"},
	{name: "shortened options", args: "--rt URL/sample --fl FILE --verb"},
	{name: "grouped options", args: "-VRr URL/sample -oFILE"},
	{name: "standard output", args: "-r URL/sample -o -"},
	{name: "standard output by default", args: "-r URL/sample"},
	{name: "resume to standard output", args: "-r URL/sample -e -o -"},
	{name: "URL option", args: "-i URL/sample -o FILE", differs: map[string]string{"wire": noFlashVer}},
	{name: "URL with options", args: "-i URL/sample_app=vod_buffer=9000_playlist=1 -o FILE -b 4000 -C S:a", differs: map[string]string{"wire": noFlashVer}},
	{name: "URL and what it overrides", args: "-i URL/sample -a other -f X -t rtmp://x/y -p p -s s -u u -d d -y z -o FILE -B 3", differs: map[string]string{"wire": noFlashVer}},
	{name: "URL, token and playlist", args: "-i URL/sample -Y -T secret -A 4 -o FILE", differs: map[string]string{"wire": noFlashVer}},
	{name: "parts", args: "-n HOST -c PORT -l 0 -a vod -y sample -o FILE"},
	{name: "parts in long", args: "--host HOST --port PORT --protocol 0 --app vod --playpath sample --flv FILE"},
	{name: "host instead of the URL's", args: "-r rtmp://192.0.2.1:PORT/vod/sample -n HOST -o FILE"},
	{name: "port instead of the URL's", args: "-r rtmp://HOST/vod/sample -c PORT -o FILE"},
	{name: "protocol instead of the URL's", args: "-r rtmpe://HOST:PORT/vod/sample -l 0 -o FILE"},
	{name: "app instead of the URL's", args: "-r URL/sample -a other/app -o FILE"},
	{name: "playpath instead of the URL's", args: "-r URL/nosuch -y sample -o FILE"},
	{name: "playpath is taken as it is", args: "-r URL/nosuch -y mp4:sample -o FILE"},
	{name: "playlist", args: "-r URL/sample -Y -o FILE"},
	{name: "connect's properties", args: "-r URL/sample -s http://h/p.swf -t rtmp://other/app -p http://h/ -f WIN_11,5 -u ticket -o FILE"},
	{name: "connect's properties in long", args: "-r URL/sample --swfUrl http://h/p.swf --tcUrl rtmp://other/app --pageUrl http://h/ --flashVer WIN --auth ticket -o FILE"},
	{name: "connect's arguments", args: `-r URL/sample -C B:1 -C S:some_text -C N:1.5 -C Z: -C O:1 -C NN:n:2 -C NS:s:a\b -C NB:b:0 -C O:0 --conn S:x -o FILE`},
	{name: "subscribe", args: "-r URL/sample -d topic -o FILE"},
	{name: "Usher token", args: "-r URL/sample -j {token} -o FILE"},
	{name: "buffer", args: "-r URL/sample -b 5000 -o FILE"},
	{name: "no buffer", args: "-r URL/sample -b 0 -o FILE"},
	{name: "timeout", args: "-r URL/sample -m 20 -o FILE"},
	{name: "start", args: "-r URL/sample -A 4 -o FILE"},
	{name: "start in fractions", args: "-r URL/sample --start 2.75 -o FILE"},
	{name: "stop", args: "-r URL/sample -B 3 -o FILE"},
	{name: "start and stop", args: "-r URL/sample -A 2 -B 5.5 -o FILE"},
	{name: "stop before start", args: "-r URL/sample -A 5 -B 3 -o FILE"},
	{name: "realtime", args: "-r URL/sample -R -o FILE"},
	{name: "quiet", args: "-r URL/sample -q -o FILE"},
	{name: "verbose", args: "-r URL/sample -V -o FILE"},
	{name: "debug", args: "-r URL/sample --debug -o FILE"},
	{name: "hashes", args: "-r URL/sample -# -o FILE"},
	{name: "the rest in long", args: "--rtmp URL/sample --playlist --subscribe topic --token secret --jtv {token} --buffer 5000 --stop 3 " +
		"--timeout 20 --realtime --hashes --quiet --flv FILE"},
	{name: "URL in long", args: "--url URL/sample --flv FILE", differs: map[string]string{"wire": noFlashVer}},
	{name: "live in long", args: "--rtmp URL/sample --live --timeout 1 --flv FILE"},
	{name: "debug in short", args: "-z -r URL/sample -o FILE"},
	{name: "invalid numbers", args: "-r URL/sample -b -5 -x 0 -X -1 -k -2 -o FILE"},
	{name: "hash without size", args: "-r URL/sample -w 00 -o FILE"},
	{name: "size without hash", args: "-r URL/sample -x 10 -o FILE"},
	{name: "live", args: "-r URL/sample -v -m 1 -o FILE"},
	{name: "live, start and resume", args: "-r URL/sample -v -m 1 -A 3 -e -o FILE"},
	{name: "without metadata", args: "-r URL/bare -o FILE"},
	{name: "sound", args: "-r URL/sound -o FILE"},
	{name: "pictures", args: "-r URL/silent -o FILE"},
	{name: "short messages, and complete", args: "-r URL/short -o FILE"},

	{name: "encrypted", args: "-r URL/sample -o FILE", config: testserver.Config{Scheme: "rtmpe"}},
	{name: "encrypted, by number", args: "-r rtmp://HOST:PORT/vod/sample -l 2 -o FILE", config: testserver.Config{Scheme: "rtmpe"}},
	{name: "tunnelled", args: "-r URL/sample -o FILE", config: testserver.Config{Scheme: "rtmpt"}},
	{name: "tunnelled, encrypted, by number", args: "-r rtmp://HOST:PORT/vod/sample -l 3 -o FILE", config: testserver.Config{Scheme: "rtmpte"}},
	{name: "TLS", args: "-r URL/sample -o FILE", config: testserver.Config{Scheme: "rtmps"}}, // a self-signed certificate
	{name: "SOCKS", args: "-r URL/sample -S SOCKS -o FILE"},
	{name: "SOCKS in long", args: "-r URL/sample --socks SOCKS -o FILE"},
	{name: "token", args: "-r URL/sample -T secret -o FILE", config: testserver.Config{Token: "secret"}},
	{name: "player", args: "-r URL/sample -W SWF -o FILE", config: testserver.Config{Player: testPlayer}},
	{name: "player, known for a day", args: "-r URL/sample --swfVfy SWF --swfAge 1 -o FILE", config: testserver.Config{Player: testPlayer}},
	{name: "player by hash and size", args: "-r URL/sample -w HASH -x " + fmt.Sprint(testPlayer.Size) + " -o FILE",
		config: testserver.Config{Player: testPlayer}},
	{name: "player by hash and size in long", args: "-r URL/sample --swfhash HASH --swfsize " + fmt.Sprint(testPlayer.Size) + " -o FILE",
		config: testserver.Config{Player: testPlayer}},

	{name: "replace", args: "-r URL/sample -o FILE", before: "all"},
	{name: "replace by nothing", args: "-r URL/nosuch -o FILE", before: "all", differs: map[string]string{
		"wire": "RTMPDump hangs up without deleting its stream", "file": "RTMPDump empties the file before it knows what the server has"}},
	{name: "resume nothing", args: "-r URL/sample -e -o FILE"},
	{name: "resume nothing, as yt-dlp does", args: "--verbose -r URL/sample -o FILE --resume --skip 1"},
	{name: "resume", args: "-r URL/sample -e -o FILE", before: "60%", differs: map[string]string{
		"code": "the server's timestamps count from the beginning of the recording, which RTMPDump can't resume (-> 1)",
		"file": "likewise"}},
	{name: "resume an empty file", args: "-r URL/sample -e -o FILE", before: "0%", differs: map[string]string{
		"code": "RTMPDump refuses it, and yt-dlp can't go on", "file": "likewise", "wire": "likewise", "buffer": "likewise"}},
	{name: "resume a file with one key frame", args: "-r URL/sample -e -k 1 -o FILE", before: "10%", differs: map[string]string{
		"file": "RTMPDump begins another file in the middle of it"}},

	{name: "no such stream", args: "-r URL/nosuch -o FILE", differs: map[string]string{
		"wire": "RTMPDump hangs up without deleting its stream"}},
	{name: "no such app", args: "-r URL/sample -m 1 -o FILE", config: testserver.Config{Apps: []string{"other"}}, differs: early},
	{name: "no such app, in order", args: "-r URL/sample -m 1 -o FILE", config: testserver.Config{Apps: []string{"other"}}, alone: inOrder},
	{name: "refused", args: "-r URL/sample -m 1 -o FILE", config: testserver.Config{Refuse: refuse}, differs: early},
	{name: "refused, in order", args: "-r URL/sample -m 1 -o FILE", config: testserver.Config{Refuse: refuse}, alone: inOrder},
	{name: "cut", args: "-r URL/sample -o FILE", config: testserver.Config{Fault: cutAt(100_000)}, differs: lost},
	{name: "cut in the handshake", args: "-r URL/sample -o FILE", config: testserver.Config{Fault: cutAt(2000)}, differs: early},
	{name: "cut in the handshake, in order", args: "-r URL/sample -o FILE", config: testserver.Config{Fault: cutAt(2000)}, alone: inOrder},
	{name: "cut after the handshake", args: "-r URL/sample -o FILE", config: testserver.Config{Fault: cutAt(3400)}, differs: lost},
	{name: "ends with UnpublishNotify", args: "-r URL/bare -o FILE",
		config: testserver.Config{Shape: testserver.Shape{EndSignal: testserver.EndUnpublishNotify}}},
	{name: "ends with a FIN", args: "-r URL/bare -o FILE",
		config: testserver.Config{Shape: testserver.Shape{EndSignal: testserver.EndClose}}, differs: lost},
	{name: "aggregates", args: "-r URL/sample -o FILE", config: testserver.Config{Shape: testserver.Shape{Aggregate: 5}},
		differs: map[string]string{"file": "RTMPDump keeps short messages when they arrive in aggregates"}},
	{name: "metadata twice", args: "-r URL/sample -o FILE", config: testserver.Config{Shape: testserver.Shape{DuplicateMetadata: true}}},

	{name: "nothing", args: ""},
	{name: "help", args: "--help"},
	{name: "help in short", args: "-h"},
	{name: "unknown option", args: "-Q"},
	{name: "unknown long option", args: "--nosuch"},
	{name: "missing value", args: "-r"},
	{name: "no host", args: "-o FILE"},
	{name: "no playpath", args: "-r URL -o FILE"},
	{name: "no URL", args: "-r nonsense -o FILE"},
	{name: "unknown protocol", args: "-r URL/sample -l 9 -o FILE"},
	{name: "bad argument of connect", args: "-r URL/sample -C nonsense -o FILE"},
	{name: "unwritable", args: "-r URL/sample -o /nonexistent/FILE"},
	{name: "disk full", args: "-r URL/sample -o /dev/full"},
	{name: "no listener", args: "-r rtmp://HOST:1/vod/sample -o FILE"},
}

// noFlashVer is the reason why connect differs with -i.
const noFlashVer = "with -i RTMPDump leaves out flashVer unless the URL has it, which is not what its manual says"

// inOrder makes this command wait for each answer, as RTMPDump does.
const inOrder = "--pipelining=none"

var early = map[string]string{"wire": "RTMPDump waits for connect's answer before it asks for the stream", "buffer": "likewise"}

var lost = map[string]string{"wire": "RTMPDump deletes its stream on the connection that is closed"}

func refuse(message.Command) amf.Object {
	return message.StatusObject("error", "NetConnection.Connect.Rejected", "no")
}

func cutAt(n int64) func(int) testserver.Fault {
	return func(int) testserver.Fault { return testserver.Fault{Action: testserver.Cut, At: n} }
}

func before(share string) []byte {
	switch n := len(testserver.Sample); share {
	case "all":
		return testserver.Sample
	case "60%":
		return testserver.Sample[:boundary(n*6/10)]
	case "10%":
		return testserver.Sample[:boundary(n/10)]
	case "0%":
		return []byte{}
	}
	return nil
}

// boundary is the end of the last whole tag of the sample that ends at or before n.
func boundary(n int) int {
	end := 13
	for {
		size := 15 + int(testserver.Sample[end+1])<<16 + int(testserver.Sample[end+2])<<8 + int(testserver.Sample[end+3])
		if end+size > n {
			return end
		}
		end += size
	}
}

// played returns the sorted buffer lengths of played streams. That of message stream 0, which librtmp sends after connect, is left out with
// pipelining, since nginx-rtmp would use it for all streams.
func played(buffers []string) []string {
	return slices.Sorted(slices.Values(slices.DeleteFunc(slices.Clone(buffers), func(b string) bool { return strings.HasPrefix(b, "0: ") })))
}

func TestSameAsOriginal(t *testing.T) {
	programtest.Need(t, "rtmpdump")
	for _, test := range commandLines {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want := attempt(t, theirs, test.config, test.args, before(test.before))
			got := attempt(t, ours, test.config, strings.TrimSpace(test.args+" "+test.alone), before(test.before))
			same := func(what string, equal bool, format string, args ...any) {
				if reason := test.differs[what]; reason != "" {
					assert.False(t, equal, "%s is the same, but a reason is given: %s", what, reason)
					return
				}
				assert.True(t, equal, fmt.Sprintf(format, args...))
			}
			same("code", want.code == got.code, "exit code %d, theirs %d\n%s\n---- theirs:\n%s", got.code, want.code, got.stderr, want.stderr)
			same("file", slices.Equal(want.file, got.file) && want.exists == got.exists, "%d bytes, theirs %d", len(got.file), len(want.file))
			same("wire", slices.Equal(want.commands, got.commands), "%s\n---- theirs:\n%s",
				strings.Join(got.commands, "\n"), strings.Join(want.commands, "\n"))
			same("buffer", slices.Equal(played(want.buffers), played(got.buffers)), "%s, theirs %s", got.buffers, want.buffers)
			assert.Equal(t, len(want.stdout), len(got.stdout), "bytes on standard output")
			assert.True(t, slices.Equal(want.stdout, got.stdout), "standard output")
		})
	}
}
