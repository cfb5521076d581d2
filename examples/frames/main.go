// Command frames saves pictures of a live stream: it passes the key frames to ffmpeg, which writes each as a JPEG file.
//
//	go run ./examples/frames URL [FOLDER]
//
// A program with its own decoder passes it the same bytes: NAL units with start codes, and the parameter sets before each key frame.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/media"
	"github.com/go-librtmp/rtmp/relay"
)

func main() {
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), "usage: frames URL [FOLDER]\nWrites each key frame of a live stream to FOLDER as a JPEG file.\n")
	}
	flag.Parse()
	if flag.NArg() < 1 {
		flag.Usage()
		os.Exit(2)
	}
	folder := "."
	if flag.NArg() > 1 {
		folder = flag.Arg(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, flag.Arg(0), folder); err != nil && ctx.Err() == nil {
		log.Fatal("frames: ", err)
	}
}

func run(ctx context.Context, url, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	p := &relay.Player{URL: url, OnEvent: func(e relay.Event) { log.Print(e) }}
	defer p.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer p.Bind(ctx)()
	d := decoder{folder: folder, died: stop} // without a decoder there is no use in reading
	err := keyFrames(p, &d)
	return cmp.Or(d.end(), err)
}

// keyFrames passes the key frames of src to a decoder, and to another one when the codec changes.
func keyFrames(src media.PacketReader, d *decoder) error {
	r := media.NewReader(src)
	var picture []byte
	for u := (media.Unit{}); ; {
		var bad *media.Error
		if err := r.Read(&u); errors.As(err, &bad) { // bad concerns only one message
			log.Print(err)
			continue
		} else if err != nil {
			return err
		}
		if !u.KeyFrame || formats[u.Track.Codec] == "" || u.Track.ID != 0 {
			continue
		}
		if d.codec != u.Track.Codec {
			if err := d.begin(u.Track.Codec); err != nil {
				return err
			}
		}
		picture = media.AppendAnnexB(picture[:0], u.Track.ParameterSets)
		picture = media.AppendAnnexB(picture, u.Parts)
		if _, err := d.stdin.Write(picture); err != nil {
			return err
		}
	}
}

var formats = map[media.Codec]string{media.H264: "h264", media.H265: "hevc"}

// decoder is a process of ffmpeg that reads pictures of one codec.
type decoder struct {
	folder string
	died   func() // called if ffmpeg ends before end has been called

	codec  media.Codec
	cmd    *exec.Cmd // nil if there is no process
	stdin  io.WriteCloser
	ending atomic.Bool
	done   chan error
}

func (d *decoder) begin(codec media.Codec) (err error) {
	if err := d.end(); err != nil {
		return err
	}
	cmd := exec.Command("ffmpeg", "-v", "error", "-probesize", "32", "-flags", "low_delay", "-f", formats[codec], "-i", "pipe:0",
		"-fps_mode", "passthrough", filepath.Join(d.folder, formats[codec]+"-%05d.jpg"))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	d.codec, d.cmd, d.stdin, d.done = codec, cmd, stdin, make(chan error, 1)
	d.ending.Store(false)
	go func() {
		err := cmd.Wait()
		if !d.ending.Load() {
			d.died()
		}
		d.done <- err
	}()
	return nil
}

func (d *decoder) end() error {
	if d.cmd == nil {
		return nil
	}
	d.ending.Store(true)
	d.stdin.Close()
	d.cmd = nil
	if err := <-d.done; err != nil {
		return fmt.Errorf("ffmpeg: %w", err)
	}
	return nil
}
