package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// vodFolder returns Files that contain the sample as vod/film.flv and send it as fast as
// possible.
func vodFolder(t testing.TB) *server.Files {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(dir+"/vod", 0o755))
	sampleFile(t, dir+"/vod", "film.flv")
	return &server.Files{Dir: dir, AsFast: true}
}

// read reads a stream to its end.
func read(t testing.TB, s io.Reader) []flv.Tag {
	t.Helper()
	file, err := io.ReadAll(s)
	require.NoError(t, err)
	return tags(t, file)
}

func TestFilePlays(t *testing.T) {
	addr := app(t, &server.App{Files: vodFolder(t)})
	c := dial(t, "rtmp://"+addr+"/vod/film", nil)
	s, err := c.CreateStream(background(t), nil)
	require.NoError(t, err)
	assert.Equal(t, media(sample(t)), media(read(t, s)))
}

// TestDamagedFile checks that a client is not told that a file is complete if there are bytes in it that are not a tag. A file that ends
// within a tag, because its recorder was killed, ends like any other.
func TestDamagedFile(t *testing.T) {
	files := vodFolder(t)
	addr := app(t, &server.App{Files: files})
	all := sample(t)
	half := flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})
	for _, tag := range all[:len(all)/2] {
		half = flv.AppendTag(half, tag)
	}
	for name, test := range map[string]struct {
		rest   []byte
		failed bool
	}{
		"garbage": {append(bytes.Repeat([]byte{0xee}, 100), sampleBytes[len(half):]...), true},
		"zeros":   {make([]byte, 100), true},
		"cut":     {flv.AppendTag(nil, all[len(all)/2])[:14], false},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(files.Dir+"/vod/"+name+".flv", slices.Concat(half, test.rest), 0o644))
			c := dial(t, "rtmp://"+addr+"/vod/"+name, nil)
			s, err := c.CreateStream(background(t), nil)
			require.NoError(t, err)
			var got bytes.Buffer
			_, err = io.Copy(&got, s)
			assert.Equal(t, media(all[:len(all)/2]), media(tags(t, got.Bytes())))
			var status *rtmp.StatusError
			if assert.Equal(t, test.failed, errors.As(err, &status), "%v", err) && test.failed {
				assert.Equal(t, message.CodePlayFailed, status.Code)
			}
		})
	}
}

func TestFilePlaysFrom(t *testing.T) {
	addr := app(t, &server.App{Files: vodFolder(t)})
	c := dial(t, "rtmp://"+addr+"/vod/mp4:film", &rtmp.Options{Start: 5 * time.Second, Stop: 7 * time.Second})
	s, err := c.CreateStream(background(t), nil)
	require.NoError(t, err)
	got := media(read(t, s))
	require.NotEmpty(t, got)
	assert.True(t, flv.IsHeader(got[0]))
	assert.EqualValues(t, 4000, got[0].Timestamp, "the key frame before")
	assert.Less(t, got[len(got)-1].Timestamp, uint32(7000))
}

func TestFileSeekAndPause(t *testing.T) {
	f := vodFolder(t)
	f.AsFast = false
	p := newPeer(t, app(t, &server.App{Files: f}))
	p.connect("vod")
	id := p.CreateStream()
	p.Control(message.TypeUserControl, message.AppendSetBufferLength(nil, id, 100))
	p.command(id, "play", 3, nil, "film", 0.0)
	p.UntilCode(message.CodePlayStart)
	p.command(id, "pause", 0, nil, true, 0.0)
	p.UntilCode(message.CodePauseNotify)
	p.command(id, "seek", 0, nil, 6500.0)
	p.UntilCode(message.CodeSeekNotify)
	// After a seek during a pause the server sends one picture: the key frame before the position, with its headers.
	var times []uint32
	for len(times) < 2 {
		m, err := p.Read()
		require.NoError(t, err)
		if m.Type == message.TypeVideo {
			times = append(times, m.Timestamp)
		}
	}
	assert.Equal(t, []uint32{6000, 6000}, times)
	p.command(id, "seek", 0, nil, 60000.0)
	p.UntilCode(message.CodeSeekInvalidTime)
	p.command(id, "pause", 0, nil, false, 0.0)
	p.UntilCode(message.CodeUnpauseNotify)
	p.command(0, "deleteStream", 0, nil, float64(id))
	p.alive()
}

func TestFileThatIsNotThere(t *testing.T) {
	f := vodFolder(t)
	require.NoError(t, os.WriteFile(filepath.Dir(f.Dir)+"/outside.flv", []byte("FLV"), 0o644))
	require.NoError(t, os.Symlink(filepath.Dir(f.Dir), f.Dir+"/vod/link"))
	addr := app(t, &server.App{Files: f, Live: server.Live{Await: -1}})
	for _, name := range []string{"nothing", "link/outside", ".hidden", `a\b`, "film.mp4"} {
		p := newPeer(t, addr)
		p.connect("vod")
		p.command(p.CreateStream(), "play", 3, nil, name, 0.0)
		assert.Equal(t, message.CodePlayStreamNotFound, p.status(), "%q", name)
		p.alive()
	}
}

// TestPlayFromAfterTheEnd checks that the refusal has a code with which librtmp gives up.
func TestPlayFromAfterTheEnd(t *testing.T) {
	p := newPeer(t, app(t, &server.App{Files: vodFolder(t)}))
	p.connect("vod")
	p.command(p.CreateStream(), "play", 3, nil, "film", 60000.0)
	assert.Equal(t, message.CodePlayFailed, p.status())
	p.alive()
}

func TestGetStreamLength(t *testing.T) {
	addr := app(t, &server.App{Files: vodFolder(t)})
	for app, name := range map[string]string{"vod": "film", "": "vod/film"} {
		p := newPeer(t, addr)
		p.connect(app)
		p.command(0, "getStreamLength", 5, nil, name)
		seconds, _ := p.answer("_result").Args[0].(float64)
		assert.InDelta(t, 10, seconds, 0.1, name)
		p.command(0, "getStreamLength", 6, nil, "nothing")
		assert.Equal(t, 0.0, p.answer("_result").Args[0])
	}
}

// recorded contains the arguments of Files.Done.
type recorded struct {
	path, file string
	err        error
}

func recording(t testing.TB, f *server.Files) (*server.Files, chan recorded) {
	done := make(chan recorded, 100)
	f.Dir = t.TempDir()
	f.Done = func(r *server.Request, file string, err error) { done <- recorded{r.Path, file, err} }
	return f, done
}

// TestRecordingOfALiveStream checks that live streams can be recorded, like rtmplite3's -k.
func TestRecordingOfALiveStream(t *testing.T) {
	f, done := recording(t, &server.Files{Record: server.RecordAll})
	addr := app(t, &server.App{Files: f})
	c, s := publish(t, "rtmp://"+addr+"/live/x?token=1")
	all := sample(t)
	write(t, s, all)
	require.NoError(t, s.Close())
	require.NoError(t, c.Close())
	d := waitFor(t, "Done", done)
	assert.Equal(t, recorded{path: "live/x", file: filepath.Join(f.Dir, "live", "x.flv")}, d)
	file, err := os.ReadFile(d.file)
	require.NoError(t, err)
	got := tags(t, file)
	assert.Equal(t, media(all), media(got))
	name, values, err := flv.ParseScript(got[0].Body)
	require.NoError(t, err)
	assert.Equal(t, "onMetaData", name)
	assert.NotEmpty(t, values)
}

// TestRecordingOfAnUpload checks that nothing is missing in the recording of a publisher that sends as fast as it can.
func TestRecordingOfAnUpload(t *testing.T) {
	f, done := recording(t, &server.Files{Record: server.RecordAll})
	s := &server.Server{Apps: map[string]*server.App{"*": {Files: f, Live: server.Live{Backlog: 1 << 20}}}}
	defer s.Close()
	p, err := s.Publish(background(t), "live/x")
	require.NoError(t, err)
	m := &message.Packet{Type: message.TypeVideo, Body: append([]byte{0x27, 1}, make([]byte, 10_000)...)}
	const messages = 4_000
	for range messages {
		require.NoError(t, p.WritePacket(m))
		m.Timestamp += 40
	}
	require.NoError(t, p.Close())
	d := waitFor(t, "Done", done)
	require.NoError(t, d.err)
	info, err := os.Stat(d.file)
	require.NoError(t, err)
	assert.Greater(t, info.Size(), int64(messages*len(m.Body)))
}

func TestRecordAskedAndAppend(t *testing.T) {
	f, done := recording(t, &server.Files{})
	addr := app(t, &server.App{Files: f})
	all := media(sample(t))
	for _, kind := range []string{"live", "record", "append"} {
		c := dial(t, "rtmp://"+addr+"/app/x", &rtmp.Options{Publish: true})
		s, err := c.CreateStream(background(t), &rtmp.StreamOptions{Writable: true, PublishType: kind})
		require.NoError(t, err)
		write(t, s, all)
		require.NoError(t, s.Close())
		require.NoError(t, c.Close())
		if kind != "live" {
			require.NoError(t, waitFor(t, "Done", done).err)
		}
	}
	file, err := os.ReadFile(f.Dir + "/app/x.flv")
	require.NoError(t, err)
	got := media(tags(t, file))
	require.Len(t, got, 2*len(all))
	end := uint32(0)
	for _, tag := range all {
		end = max(end, tag.Timestamp)
	}
	assert.Equal(t, end+1, got[len(all)].Timestamp, "append goes on 1 ms after the last tag")
	select {
	case d := <-done:
		t.Fatalf("a third recording: %v", d)
	default:
	}
}

// TestThreeRecordingsAtOnce is pyrtmp's own test. ffmpeg publishes three streams at once, and ffprobe checks their durations.
func TestThreeRecordingsAtOnce(t *testing.T) {
	f, done := recording(t, &server.Files{Record: server.RecordAll})
	addr := app(t, &server.App{Files: f})
	in := sampleFile(t, t.TempDir(), "in.flv")
	programtest.Need(t, "ffmpeg", "ffprobe")
	var publishing sync.WaitGroup
	for i := range 3 {
		publishing.Go(func() {
			out, err := programtest.Output(t, "ffmpeg", "-nostdin", "-v", "error", "-i", in, "-c", "copy", "-f", "flv", "rtmp://"+addr+"/live/"+strconv.Itoa(i))
			assert.NoError(t, err, out)
		})
	}
	publishing.Wait()
	for range 3 {
		d := waitFor(t, "Done", done)
		require.NoError(t, d.err)
		out := programtest.Run(t, "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", d.file)
		seconds, err := strconv.ParseFloat(strings.TrimSpace(out), 64)
		require.NoError(t, err)
		assert.InDelta(t, 10, seconds, 0.1)
	}
}

func TestRecordingCanNotBeWritten(t *testing.T) {
	f := &server.Files{Dir: "/dev/null/recordings", Record: server.RecordAll}
	addr := app(t, &server.App{Files: f})
	c := dial(t, "rtmp://"+addr+"/app/x", &rtmp.Options{Publish: true})
	_, err := c.CreateStream(background(t), &rtmp.StreamOptions{Writable: true, PublishType: "record"})
	var refused *rtmp.StatusError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, message.CodeRecordFailed, refused.Code)
	assert.NotContains(t, refused.Description, "/dev/null")
	_, s := publish(t, "rtmp://"+addr+"/app/x") // the publisher has not asked for a recording, so the stream continues without one
	write(t, s, sample(t)[:5])
}

// TestRefusedRecordingIsReported checks that Files.Done is told of a recording that could not be begun also if the client, which has asked
// for it, is refused, before Unpublish.
func TestRefusedRecordingIsReported(t *testing.T) {
	calls := make(chan string, 10)
	f := &server.Files{Dir: t.TempDir(), MinFree: math.MaxInt64, Done: func(r *server.Request, file string, err error) {
		assert.Equal(t, "app/x", r.Path)
		assert.Empty(t, file)
		assert.Error(t, err)
		calls <- "Done"
	}}
	addr := app(t, &server.App{Files: f, Unpublish: func(*server.Request, server.StreamStats) { calls <- "Unpublish" }})
	for _, kind := range []string{"record", "append"} {
		c := dial(t, "rtmp://"+addr+"/app/x", &rtmp.Options{Publish: true})
		_, err := c.CreateStream(background(t), &rtmp.StreamOptions{Writable: true, PublishType: kind})
		var refused *rtmp.StatusError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, message.CodeRecordFailed, refused.Code)
		assert.Equal(t, "Done", waitFor(t, "Done", calls))
		assert.Equal(t, "Unpublish", waitFor(t, "Unpublish", calls))
		require.NoError(t, c.Close())
	}
	assert.Empty(t, calls)
}

func TestNamedRecordingReplacesNothing(t *testing.T) {
	f, done := recording(t, &server.Files{Record: server.RecordAll, Name: func(*server.Request, time.Time) string { return "same.flv" }})
	addr := app(t, &server.App{Files: f})
	a, inA := publish(t, "rtmp://"+addr+"/app/a")
	write(t, inA, sample(t)[:5])
	b, inB := publish(t, "rtmp://"+addr+"/app/b")
	write(t, inB, sample(t)[:5])
	require.NoError(t, a.Close())
	assert.Equal(t, recorded{path: "app/a", file: filepath.Join(f.Dir, "same.flv")}, waitFor(t, "Done", done))
	require.NoError(t, b.Close())
	assert.Equal(t, recorded{path: "app/b", file: filepath.Join(f.Dir, "same-2.flv")}, waitFor(t, "Done", done))
}

// TestRecordingsOfAStreamAreKept checks that the recording of an encoder that has connected again replaces none of its earlier recordings,
// neither a closed one nor one that is still open, unless the client asks for that with the type record.
func TestRecordingsOfAStreamAreKept(t *testing.T) {
	f, done := recording(t, &server.Files{Record: server.RecordAll})
	url := "rtmp://" + app(t, &server.App{Files: f, Live: server.Live{Takeover: server.TakeAlways}}) + "/live/x"
	all := sample(t)
	first, s := publish(t, url)
	write(t, s, all)
	require.NoError(t, s.Close())
	require.NoError(t, first.Close())
	file := func(name string) recorded { return recorded{path: "live/x", file: filepath.Join(f.Dir, "live", name)} }
	assert.Equal(t, file("x.flv"), waitFor(t, "Done", done))

	_, s = publish(t, url)
	write(t, s, all[:len(all)-1])
	viewer, received := play(t, url)
	receive(t, received, 1)
	viewer.Close()
	third, s := publish(t, url)
	write(t, s, all[:len(all)-2])
	require.NoError(t, s.Close())
	require.NoError(t, third.Close())
	assert.ElementsMatch(t, []recorded{file("x-2.flv"), file("x-3.flv")}, []recorded{waitFor(t, "Done", done), waitFor(t, "Done", done)})
	for name, want := range map[string][]flv.Tag{"x.flv": all, "x-3.flv": all[:len(all)-2]} {
		b, err := os.ReadFile(file(name).file)
		require.NoError(t, err)
		assert.Equal(t, media(want), media(tags(t, b)), name)
	}

	c := dial(t, url, &rtmp.Options{Publish: true})
	s, err := c.CreateStream(background(t), &rtmp.StreamOptions{Writable: true, PublishType: "record"})
	require.NoError(t, err)
	write(t, s, all[:5])
	require.NoError(t, s.Close())
	assert.Equal(t, file("x.flv"), waitFor(t, "Done", done))
	b, err := os.ReadFile(file("x.flv").file)
	require.NoError(t, err)
	assert.Equal(t, media(all[:5]), media(tags(t, b)))
}

// TestRecordingAfterATakeover records a publisher that replaces another one and its recording, while that is still open.
func TestRecordingAfterATakeover(t *testing.T) {
	f, done := recording(t, &server.Files{})
	url := "rtmp://" + app(t, &server.App{Files: f, Live: server.Live{Takeover: server.TakeAlways}}) + "/live/x"
	file := filepath.Join(f.Dir, "live", "x.flv")
	all := sample(t)
	var last *rtmp.Conn
	for n := range 10 {
		c := dial(t, url, &rtmp.Options{Publish: true})
		s, err := c.CreateStream(background(t), &rtmp.StreamOptions{Writable: true, PublishType: "record"})
		require.NoError(t, err)
		write(t, s, all[:len(all)-n])
		viewer, media := play(t, url)
		receive(t, media, 3) // the first two are headers, and without media there is no recording
		viewer.Close()
		if n > 0 {
			assert.Equal(t, recorded{path: "live/x", file: file}, waitFor(t, "Done", done), "of publisher %d", n-1)
		}
		last = c
	}
	require.NoError(t, last.Close())
	assert.Equal(t, recorded{path: "live/x", file: file}, waitFor(t, "Done", done))
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, media(all[:len(all)-9]), media(tags(t, b)))
}

// byHand is a Handler that serves films from memory, and stores the published
// streams.
type byHand struct {
	published chan []byte
	ended     chan error
}

func (h *byHand) ServePublish(ctx context.Context, s *server.Stream) error {
	if s.Request.Name == "denied" {
		return server.Deny("play only")
	}
	var b bytes.Buffer
	_, err := io.Copy(&b, s)
	h.published <- b.Bytes()
	h.ended <- err
	return err
}

func (h *byHand) ServePlay(ctx context.Context, s *server.Stream) error {
	if s.Request.Name != "film" {
		return server.Deny("no such film")
	}
	_, err := io.Copy(s, bytes.NewReader(sampleBytes))
	return err
}

func TestHandler(t *testing.T) {
	h := &byHand{published: make(chan []byte, 1), ended: make(chan error, 1)}
	addr := app(t, &server.App{Handler: h})
	c := dial(t, "rtmp://"+addr+"/films/film", nil)
	s, err := c.CreateStream(background(t), nil)
	require.NoError(t, err)
	assert.Equal(t, media(sample(t)), media(read(t, s)))

	c = dial(t, "rtmp://"+addr+"/films/other", nil)
	_, err = c.CreateStream(background(t), nil)
	assert.ErrorContains(t, err, "no such film")

	c = dial(t, "rtmp://"+addr+"/films/denied", &rtmp.Options{Publish: true})
	_, err = c.CreateStream(background(t), &rtmp.StreamOptions{Writable: true})
	var refused *rtmp.StatusError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, message.CodePublishDenied, refused.Code)

	c, out := publish(t, "rtmp://"+addr+"/films/mine")
	write(t, out, sample(t))
	require.NoError(t, out.Close())
	require.NoError(t, c.Close())
	assert.Equal(t, media(sample(t)), media(tags(t, waitFor(t, "what was published", h.published))))
	assert.NoError(t, waitFor(t, "the end", h.ended))
}

// TestHandlerLosesItsPublisher checks that a Handler can still read the media of a lost publisher.
func TestHandlerLosesItsPublisher(t *testing.T) {
	h := &byHand{published: make(chan []byte, 1), ended: make(chan error, 1)}
	p := newPeer(t, app(t, &server.App{Handler: h}))
	p.connect("films")
	p.command(p.CreateStream(), "publish", 3, nil, "mine", "live")
	p.UntilCode(message.CodePublishStart)
	p.Conn.Close()
	assert.ErrorIs(t, waitFor(t, "the end", h.ended), io.ErrUnexpectedEOF)
}

// controlled is a Handler that serves the client's seek and pause commands itself.
type controlled struct{ byHand }

func (h *controlled) ServePlay(ctx context.Context, s *server.Stream) error {
	controls := s.Control()
	s.WriteData("onMetaData", map[string]any{"title": "by hand"})
	for {
		select {
		case k := <-controls:
			switch k.Kind {
			case server.ControlSeek:
				if k.Value > time.Minute {
					s.Status("error", message.CodeSeekInvalidTime, "too far")
					continue
				}
				s.Status("status", message.CodeSeekNotify, "Seeking.")
				s.WritePacket(&message.Packet{Type: message.TypeAudio, Timestamp: uint32(k.Value.Milliseconds()), Body: []byte{0xaf, 1, 1}})
			case server.ControlReceiveAudio:
				if !k.On {
					return errors.New("no sound, no film")
				}
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestHandlerControls(t *testing.T) {
	p := newPeer(t, app(t, &server.App{Handler: &controlled{}}))
	p.connect("films")
	id := p.CreateStream()
	p.command(id, "play", 3, nil, "film")
	p.UntilCode(message.CodePlayStart)
	p.command(id, "seek", 0, nil, 3000.0)
	p.UntilCode(message.CodeSeekNotify)
	for {
		m, err := p.Read()
		require.NoError(t, err)
		if m.Type == message.TypeAudio {
			assert.EqualValues(t, 3000, m.Timestamp)
			break
		}
	}
	p.command(id, "seek", 0, nil, 99999.0)
	p.UntilCode(message.CodeSeekInvalidTime)
	p.command(id, "pause", 0, nil, true)
	p.UntilCode(message.CodePauseNotify)
	p.command(id, "receiveAudio", 0, nil, false)
	p.UntilCode(message.CodePlayFailed)
	p.alive()
}

// intoFFmpeg is a Handler that passes published streams to ffmpeg's standard input, like pyrtmp's demo_ffmpeg.
type intoFFmpeg struct {
	byHand
	out  string
	done chan error
}

func (h *intoFFmpeg) ServePublish(ctx context.Context, s *server.Stream) error {
	cmd := exec.Command("ffmpeg", "-v", "error", "-y", "-f", "flv", "-i", "pipe:0", "-c", "copy", "-f", "flv", h.out)
	cmd.Stdin = s // ffmpeg exits when its input ends, possibly after ctx is done
	h.done <- cmd.Run()
	return nil
}

func TestPublishIntoFFmpeg(t *testing.T) {
	programtest.Need(t, "ffmpeg", "ffprobe")
	h := &intoFFmpeg{out: t.TempDir() + "/out.flv", done: make(chan error, 1)}
	c, s := publish(t, "rtmp://"+app(t, &server.App{Handler: h})+"/live/x")
	write(t, s, sample(t))
	_, err := c.RemoteMethod("nothing")(background(t)) // the answer comes after ffmpeg, which may be slow to begin, has read nearly everything
	var failed *rtmp.StatusError
	require.ErrorAs(t, err, &failed)
	require.NoError(t, s.Close())
	require.NoError(t, c.Close())
	require.NoError(t, waitFor(t, "ffmpeg", h.done))
	out := programtest.Run(t, "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", h.out)
	seconds, err := strconv.ParseFloat(strings.TrimSpace(out), 64)
	require.NoError(t, err)
	assert.InDelta(t, 10, seconds, 0.1)
}

// TestFailedRecordingIsReportedOnce checks that a recording that fails is reported to Files.Done or, if that is nil, in the log, even if it
// fails between two files.
func TestFailedRecordingIsReportedOnce(t *testing.T) {
	for name, names := range map[string][]string{"at the beginning": {".."}, "at the second file": {"a", ".."}} {
		for _, logged := range []bool{false, true} {
			t.Run(fmt.Sprint(name, logged), func(t *testing.T) {
				var log bytes.Buffer
				files := 0
				f, done := recording(t, &server.Files{Record: server.RecordAll, MaxDuration: time.Second, Name: func(*server.Request, time.Time) string {
					files++
					return names[min(files, len(names))-1]
				}})
				if logged {
					f.Done = nil
				}
				s := &server.Server{Apps: map[string]*server.App{"*": {Files: f}}, Logger: slog.New(slog.NewTextHandler(&log, nil))}
				p, err := s.Publish(background(t), "live/x")
				require.NoError(t, err)
				_, err = p.Write(sampleBytes)
				require.NoError(t, err)
				require.NoError(t, p.Close())
				require.NoError(t, s.Shutdown(background(t)))
				failures := strings.Count(log.String(), "level=WARN")
				if !logged {
					for range names[1:] {
						assert.NoError(t, waitFor(t, "Done", done).err)
					}
					d := waitFor(t, "Done", done)
					assert.Error(t, d.err)
					assert.Empty(t, d.file)
					assert.Empty(t, done)
					assert.Zero(t, failures, log.String())
				} else {
					assert.Equal(t, 1, failures, log.String())
				}
			})
		}
	}
}

// TestRecordingWithGaps checks that a recording with gaps is reported, and that this does not replace the error with which the recording ends.
func TestRecordingWithGaps(t *testing.T) {
	for _, logged := range []bool{false, true} {
		t.Run(fmt.Sprint(logged), func(t *testing.T) {
			var log bytes.Buffer
			files, second, release := 0, make(chan struct{}), make(chan struct{})
			f, done := recording(t, &server.Files{Record: server.RecordAll, MaxDuration: 10 * time.Millisecond, Name: func(*server.Request, time.Time) string {
				switch files++; files {
				case 1:
					return "a"
				case 2: // the recording stands still
					close(second)
					<-release
					return "b"
				}
				return ".."
			}})
			if logged {
				f.Done = nil
			}
			s := &server.Server{Apps: map[string]*server.App{"*": {Files: f, Live: server.Live{Backlog: 1 << 20}}},
				Logger: slog.New(slog.NewTextHandler(&log, nil))}
			p, err := s.Publish(background(t), "live/x")
			require.NoError(t, err)
			key := &message.Packet{Type: message.TypeVideo, Body: append([]byte{0x17, 1}, make([]byte, 200_000)...)}
			for _, key.Timestamp = range []uint32{0, 20} {
				require.NoError(t, p.WritePacket(key))
			}
			waitFor(t, "the second file", second)
			for range 20 {
				require.NoError(t, p.WritePacket(key))
			}
			key.Timestamp = 50
			require.NoError(t, p.WritePacket(key))
			close(release)
			require.NoError(t, p.Close())
			require.NoError(t, s.Shutdown(background(t)))
			if logged {
				assert.Contains(t, log.String(), "messages missing")
				assert.Equal(t, 2, strings.Count(log.String(), "level=WARN"), log.String())
				return
			}
			assert.NoError(t, waitFor(t, "Done", done).err)
			assert.ErrorContains(t, waitFor(t, "Done", done).err, "messages missing")
			d := waitFor(t, "Done", done)
			assert.Empty(t, d.file)
			assert.Error(t, d.err)
			assert.Empty(t, log.String())
		})
	}
}
