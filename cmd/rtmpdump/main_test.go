package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/swf"
)

// beCommand is an environment variable that makes this test binary run the command.
const beCommand = "BE_RTMPDUMP"

func TestMain(m *testing.M) {
	if os.Getenv(beCommand) != "" {
		main()
	}
	home, err := os.MkdirTemp("", "") // the cache of player hashes is in the home directory
	if err != nil {
		panic(err)
	}
	os.Setenv("HOME", home)
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(home)
		os.Exit(code)
	}))
}

func process(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), beCommand+"=1")
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

type wire struct {
	mu       sync.Mutex
	commands []string
	buffers  []string
}

func (w *wire) add(_ *testserver.Session, m *chunk.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch t := message.Type(m.Type); t {
	case message.TypeCommandAMF0:
		cmd, err := message.ParseCommand(t, m.Body())
		w.commands = append(w.commands, fmt.Sprintf("%d %d %s %g %v %v %v", m.ChunkStreamID, m.StreamID, cmd.Name, cmd.TransactionID,
			cmd.Object, cmd.Args, err))
	case message.TypeUserControl:
		if u, err := message.ParseUserControl(m.Body()); err == nil && u.Event == message.EventSetBufferLength {
			w.buffers = append(w.buffers, fmt.Sprintf("%d: %d ms", u.Value, u.Buffer))
		}
	}
}

type seen struct {
	code     int
	stdout   []byte
	stderr   string
	file     []byte
	exists   bool
	commands []string
	buffers  []string
}

// playerFile stands for a Flash player, and testPlayer contains its hash and size.
var playerFile = append([]byte("FWS\x0a\x34\x01\x00\x00"), bytes.Repeat([]byte("player"), 50)...)

var testPlayer = func() *testserver.Player {
	hash, size, err := swf.Sum(bytes.NewReader(playerFile))
	if err != nil {
		panic(err)
	}
	return &testserver.Player{Hash: hash, Size: size}
}()

func startPlayerHost(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
		w.Write(playerFile)
	}))
	t.Cleanup(s.Close)
	return s
}

func startSOCKS(t *testing.T) string {
	t.Helper()
	return conntest.Serve(t, serveSOCKS)
}

// serveSOCKS serves a CONNECT: version, command, port (2), address (4), user id and a zero.
func serveSOCKS(nc net.Conn) {
	defer nc.Close()
	in := bufio.NewReader(nc)
	request, err := in.ReadBytes(0)
	for err == nil && len(request) < 9 { // the port and the address may contain zeros
		var more []byte
		more, err = in.ReadBytes(0)
		request = append(request, more...)
	}
	if err != nil {
		return
	}
	to, err := net.Dial("tcp", net.JoinHostPort(net.IP(request[4:8]).String(), strconv.Itoa(int(request[2])<<8|int(request[3]))))
	if err != nil {
		return
	}
	defer to.Close()
	nc.Write([]byte{0, 90, 0, 0, 0, 0, 0, 0})
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(to, in)
		to.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(nc, to)
	nc.Close()
	<-done
}

// ports matches addresses whose ports differ in each run.
var ports = regexp.MustCompile(`127\.0\.0\.1:[0-9]+|localhost:[0-9]+`)

// tokens matches answers to a random challenge. The server checks them.
var tokens = regexp.MustCompile(`(?s)(secureTokenResponse .*) \[.*\]`)

// attempt starts a server and runs a command line. In args, URL stands for the address of the server's application vod, HOST and PORT for
// parts of that address, and FILE for the output file. The parameter before is the initial content of that file; if it is nil, the file does
// not exist at first.
func attempt(t *testing.T, program func(args []string, stdout, stderr *bytes.Buffer) int, cfg testserver.Config, args string,
	before []byte) seen {
	t.Helper()
	w := &wire{}
	cfg.OnMessage = w.add
	if cfg.Files == nil {
		cfg.Files = recordings(t)
	}
	patient := &conntest.Patient{Listener: conntest.Listen(t)}
	s := testserver.Serve(patient, cfg)
	defer s.Close()
	host, port, _ := strings.Cut(s.Addr(), ":")
	file := filepath.Join(t.TempDir(), "out.flv")
	if before != nil {
		require.NoError(t, os.WriteFile(file, before, 0o600))
	}
	socks, player := startSOCKS(t), startPlayerHost(t)
	var list []string
	for arg := range strings.FieldsSeq(args) {
		list = append(list, strings.NewReplacer("URL", strings.TrimSuffix(s.URL("vod", ""), "/"), "HOST", host, "PORT", port, "FILE", file,
			"SOCKS", socks, "SWF", player.URL+"/player.swf", "HASH", hex.EncodeToString(testPlayer.Hash), "_", " ").Replace(arg))
	}
	var stdout, stderr bytes.Buffer
	result := seen{code: program(list, &stdout, &stderr)}
	patient.Conns.Wait() // the server has received everything that the program has sent
	result.stdout, result.stderr = stdout.Bytes(), stderr.String()
	content, err := os.ReadFile(file)
	result.file = content
	result.exists = err == nil
	w.mu.Lock() // a server that violates the protocol may continue to read for a moment
	defer w.mu.Unlock()
	for _, c := range w.commands {
		c = ports.ReplaceAllString(c, "ADDRESS")
		result.commands = append(result.commands, tokens.ReplaceAllString(c, "$1 TOKEN"))
	}
	result.buffers = w.buffers
	return result
}

func ours(args []string, stdout, stderr *bytes.Buffer) int { return run(args, stdout, stderr, false) }

func theirs(args []string, stdout, stderr *bytes.Buffer) int {
	cmd := exec.Command("rtmpdump", args...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.Run()
	return cmd.ProcessState.ExitCode()
}

var recordingsOnce = sync.OnceValue(makeRecordings)

func recordings(t *testing.T) map[string][]byte {
	t.Helper()
	return recordingsOnce()
}

// makeRecordings returns variants of the sample: without metadata; with audio only; with video only; with messages so short that librtmp
// omits them; and with a duration so small that rtmpdump considers the recording complete.
func makeRecordings() map[string][]byte {
	all, err := testserver.Tags(testserver.Sample)
	if err != nil {
		panic(err)
	}
	file := func(h flv.FileHeader, keep func(flv.Tag) bool) []byte {
		b := flv.AppendFileHeader(nil, h)
		for _, tag := range all {
			if keep(tag) {
				b = flv.AppendTag(b, tag)
			}
		}
		return b
	}
	both := flv.FileHeader{HasAudio: true, HasVideo: true}
	files := map[string][]byte{
		"sample": testserver.Sample,
		"bare":   file(both, func(t flv.Tag) bool { return t.Type != flv.TagScript }),
		"sound":  file(flv.FileHeader{HasAudio: true}, func(t flv.Tag) bool { return t.Type != flv.TagVideo }),
		"silent": file(flv.FileHeader{HasVideo: true}, func(t flv.Tag) bool { return t.Type != flv.TagAudio }),
	}
	body, err := flv.AppendScript(nil, "onMetaData", amf.Object{{Name: "duration", Value: 10.0},
		{Name: "nested", Value: amf.Object{{Name: "title", Value: "short"}}}, {Name: "audiocodecid", Value: 10.0}})
	if err != nil {
		panic(err)
	}
	short := flv.AppendTag(flv.AppendFileHeader(nil, both), flv.Tag{Type: flv.TagScript, Body: body})
	for i, tag := range all[1:] {
		short = flv.AppendTag(short, tag)
		if i%50 == 49 {
			short = flv.AppendTag(short, flv.Tag{Type: flv.TagAudio, Timestamp: tag.Timestamp, Body: []byte{0xaf}})
			short = flv.AppendTag(short, flv.Tag{Type: flv.TagVideo, Timestamp: tag.Timestamp, Body: []byte{0x27, 1, 0, 0, 0}})
		}
	}
	files["short"] = short
	return files
}
