package main

import (
	"fmt"
	"slices"
)

// work is a workload that each client performs, in rounds.
type work struct {
	title   string
	file    string // of the chart, without .svg; "" means no chart
	unit    string // unit of the compared figure
	scheme  string // of the URL; "" means rtmp
	server  []string
	profile string
	n       int  // number of repetitions, if the workload is not measured in bytes
	live    bool // the repetitions are paced plays at the same time; the figure is their CPU time together
	memory  bool // the table has the memory: of each connection if live, otherwise of the process
	quick   bool // also done with -quick
	clients []*client
}

// client is a program that can do the work.
type client struct {
	name    string
	command string  // {bin}, {url}, {bytes}, {n} and {flv}, a file of the media, are replaced
	raw     bool    // a client without RTMP; the first one is the floor
	share   float64 // share of the bytes, for slow clients; 0 means all
	checked bool    // the client must not allocate per message
	runs    []outcome
}

// outcome is the outcome of one run.
type outcome struct {
	figure  float64
	p50     float64 // median of the times in microseconds, if each repetition is timed
	memory  float64 // KiB, for each connection if the work is live
	mallocs float64 // allocations for each message
	gain    float64 // rate of calls in flight together, divided by that of calls one at a time
}

const rawTCP = "raw TCP"

// floor returns the name of the client with which the others are compared, or "" if all clients speak RTMP.
func (w *work) floor() string {
	if i := slices.IndexFunc(w.clients, func(c *client) bool { return c.raw }); i >= 0 {
		return w.clients[i].name
	}
	return ""
}

func works() []*work {
	var all []*work
	for _, chunk := range []int{4096, 128, 65536} {
		all = append(all, play(fmt.Sprintf("Playing 3 Mbit/s, chunks of %d bytes", chunk), fmt.Sprintf("play-%d", chunk), "3mbit", chunk, chunk == 4096))
	}
	all = append(all, play("Playing 20 Mbit/s with key frames of 1 MB", "play-20mbit", "20mbit", 4096, true),
		play("Playing sound alone, 300 bytes a message", "play-audio", "audio", 4096, true))
	all = append(all, &work{title: "Playing 3 Mbit/s as several streams of one connection", file: "play-streams", unit: "CPU s/GB", profile: "3mbit",
		server: []string{"-chunk", "4096"}, clients: []*client{
			{name: rawTCP, command: "{bin}/raw pull {url}", raw: true},
			{name: "ours, 1 stream", command: "{bin}/ours pull-streams {url}-of1", checked: true},
			{name: "least Go code, 4 streams", command: "{bin}/least pull-streams {url}-of4"},
			{name: "ours, 4 streams", command: "{bin}/ours pull-streams {url}-of4"},
			{name: "least Go code, 16 streams", command: "{bin}/least pull-streams {url}-of16"},
			{name: "ours, 16 streams", command: "{bin}/ours pull-streams {url}-of16"},
			{name: "least Go code, 64 streams", command: "{bin}/least pull-streams {url}-of64"},
			{name: "ours, 64 streams", command: "{bin}/ours pull-streams {url}-of64"},
		}})
	all = append(all, transport("rtmps", &client{name: "crypto/tls alone", command: "{bin}/raw pull {url}", raw: true}),
		transport("rtmpe", &client{name: "RC4 alone", command: "{bin}/raw pull {url}", raw: true}),
		transport("rtmpt", &client{name: "one GET by net/http", command: "{bin}/raw pull-get {url}", raw: true},
			&client{name: "the same POSTs by net/http", command: "{bin}/raw pull-post {url}", raw: true}))
	for _, profile := range []string{"3mbit", "20mbit", "audio"} {
		all = append(all, publish("Publishing "+profile, "publish-"+profile, profile, profile != "20mbit"))
	}
	all = append(all, growth()...)
	return append(all,
		&work{title: "Connect to Play.Start, and close", file: "connect", unit: "CPU µs", n: 1000, profile: "3mbit", clients: []*client{
			{name: "ours", command: "{bin}/ours conn {url}-idle {n}"},
			{name: "least Go code", command: "{bin}/least conn {url}-idle {n}"},
			{name: "librtmp", command: "{bin}/librtmp conn {url}-idle {n}"},
			{name: "python-librtmp", command: "/usr/bin/python3 clients/python/peer.py conn {url}-idle {n}"},
			{name: "gortmplib", command: "{bin}/gortmplib conn {url}-idle {n}"},
			{name: "lal", command: "{bin}/lal conn {url}-idle {n}"},
		}},
		&work{title: "Call and answer", file: "call", unit: "CPU µs", n: 20000, profile: "3mbit", clients: []*client{
			{name: "ours", command: "{bin}/ours rpc {url}-idle {n}"},
			{name: "least Go code", command: "{bin}/least rpc {url}-idle {n}"},
			{name: "librtmp", command: "{bin}/librtmp rpc {url}-idle {n}"},
			{name: "python-librtmp", command: "/usr/bin/python3 clients/python/peer.py rpc {url}-idle {n}"},
		}},
		&work{title: "Calls and answers, 64 in flight", file: "calls", unit: "CPU µs", n: 20000, profile: "3mbit", quick: true, clients: []*client{
			{name: "ours", command: "{bin}/ours calls {url}-idle {n}", checked: true},
		}},
		&work{title: "500 live plays of 2 Mbit/s", file: "many", unit: "CPU s", n: 500, profile: "2mbit", live: true, memory: true,
			server: []string{"-pace", "1", "-secs", "10", "-rbuf", "2048"}, clients: []*client{
				{name: rawTCP, command: "{bin}/raw many-64k {url} {n}", raw: true},
				{name: "raw TCP, 16 KiB reads", command: "{bin}/raw many-16k {url} {n}", raw: true},
				{name: "least Go code", command: "{bin}/least many-flv16k {url} {n}"},
				{name: "least Go code, whole messages", command: "{bin}/least many-msg16k {url} {n}"},
				{name: "ours", command: "{bin}/ours many-16k {url} {n}"},
				{name: "ours, ReadPacket", command: "{bin}/ours many-packets {url} {n}"},
				{name: "librtmp", command: "{bin}/librtmp many {url} {n}"},
			}})
}

// growth shows whether the cost of a byte grows with the length of a play, or with the number of connections of a process. Timestamps need more
// than 24 bits after 6.3 GB of this media.
func growth() []*work {
	if !*grow {
		return nil
	}
	length := &work{title: "Growth: one play of 3 Mbit/s", file: "grow-length", unit: "CPU s/GB", profile: "3mbit", memory: true, server: []string{"-chunk", "4096"},
		clients: []*client{{name: "least Go code, 1 x", command: "{bin}/least pull-flv {url}"}}}
	for _, times := range []float64{1, 4, 16, 100} {
		if times <= *longest {
			length.clients = append(length.clients, &client{name: fmt.Sprintf("ours, %g x", times), command: "{bin}/ours pull {url}", share: times, checked: true})
		}
	}
	all := []*work{length}
	for _, n := range []int{1, 100, 500, 1000, 2000} {
		all = append(all, &work{title: fmt.Sprintf("Growth: %d live plays of 2 Mbit/s", n), unit: "CPU s", n: n, profile: "2mbit",
			live: true, memory: true, server: []string{"-pace", "1", "-secs", "10", "-rbuf", "2048"},
			clients: []*client{
				{name: "least Go code", command: "{bin}/least many-flv16k {url} {n}"},
				{name: "ours", command: "{bin}/ours many-16k {url} {n}"},
			}})
	}
	return all
}

func play(title, file, profile string, chunk int, quick bool) *work {
	return &work{title: title, file: file, unit: "CPU s/GB", profile: profile, quick: quick, server: []string{"-chunk", fmt.Sprint(chunk)},
		clients: []*client{
			{name: rawTCP, command: "{bin}/raw pull {url}", raw: true},
			{name: "least Go code", command: "{bin}/least pull-flv {url}"},
			{name: "least Go code, whole messages", command: "{bin}/least pull-msg {url}"},
			{name: "least Go code to /dev/null", command: "{bin}/least pull-file {url}"},
			{name: "least Go code, complete tags", command: "{bin}/least pull-whole {url}"},
			{name: "least Go code, complete tags to /dev/null", command: "{bin}/least pull-wholefile {url}"},
			{name: "ours", command: "{bin}/ours pull {url}", checked: true},
			{name: "ours, ReadPacket", command: "{bin}/ours pull-packets {url}", checked: true},
			{name: "ours, io.Copy to /dev/null", command: "{bin}/ours pull-file {url}", checked: true},
			{name: "librtmp", command: "{bin}/librtmp pull {url}"},
			{name: "librtmp, ReadPacket", command: "{bin}/librtmp packets {url}"},
			{name: "ours, rtmpdump", command: "{bin}/rtmpdump -q -r {url} -o /dev/null"},
			{name: "rtmpdump", command: "rtmpdump -q -r {url} -o /dev/null"},
			{name: "curl", command: "curl -s -o /dev/null {url}"},
			{name: "python-librtmp", command: "/usr/bin/python3 clients/python/peer.py pull {url}"},
			{name: "FFmpeg", command: "ffmpeg -v quiet -i {url} -c copy -y -f flv /dev/null", share: 0.25},
			{name: "lal", command: "{bin}/lal pull {url}", share: 0.5},
			{name: "joy4", command: "{bin}/joy4 pull {url}", share: 0.5},
			{name: "go-rtmp", command: "{bin}/gortmp pull {url}-msid0", share: 0.2},
			{name: "gortmplib", command: "{bin}/gortmplib pull {url}", share: 0.2},
		}}
}

// transport plays through another transport than plain TCP. crypto/tls and net/http allocate for each record and request.
func transport(scheme string, floors ...*client) *work {
	checked := scheme == "rtmpe"
	return &work{title: "Transports: playing 3 Mbit/s by " + scheme, file: "play-" + scheme, unit: "CPU s/GB", scheme: scheme, profile: "3mbit", quick: true,
		server: []string{"-chunk", "4096", "-scheme", scheme}, clients: append(floors,
			&client{name: "least Go code", command: "{bin}/least pull-flv {url}"},
			&client{name: "least Go code, whole messages", command: "{bin}/least pull-msg {url}"},
			&client{name: "ours", command: "{bin}/ours pull {url}", checked: checked},
			&client{name: "ours, ReadPacket", command: "{bin}/ours pull-packets {url}", checked: checked})}
}

func publish(title, file, profile string, quick bool) *work {
	return &work{title: title, file: file, unit: "CPU s/GB", profile: profile, quick: quick, clients: []*client{
		{name: rawTCP, command: "{bin}/raw push {url} {bytes}", raw: true},
		{name: "raw TCP, 256 KiB writes", command: "{bin}/raw push-256k {url} {bytes}", raw: true},
		{name: "least Go code", command: "{bin}/least push-4096 {url} {bytes}"},
		{name: "ours, WritePacket", command: "{bin}/ours push {url} {bytes}", checked: true},
		{name: "ours, ReadFrom", command: "{bin}/ours push-flv {url} {bytes}", checked: true},
		{name: "librtmp", command: "{bin}/librtmp push {url} {bytes} {flv} 4096", share: 0.5},
		{name: "joy4", command: "{bin}/joy4 push {url} {bytes}"},
		{name: "lal", command: "{bin}/lal push {url} {bytes}", share: 0.2},
		{name: "gortmplib", command: "{bin}/gortmplib push {url} {bytes}", share: 0.2},
		{name: "go-rtmp", command: "{bin}/gortmp push {url} {bytes}", share: 0.05},
	}}
}
