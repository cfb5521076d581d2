// Command frames saves pictures of a live stream: it passes the key frames to ffmpeg, which writes each as a JPEG file.
//
//	go run ./examples/frames URL [FOLDER]
//
// A program with its own decoder passes it the same bytes: NAL units with start codes, and the parameter sets before each key frame.
package main

import (
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
	p := &relay.Player{URL: url, OnEvent: func(e relay.Event) { log.Print(e) }}
	defer p.Close()
	defer p.Bind(ctx)()
	var d decoder
	err := keyFrames(p, &d, folder)
	return errors.Join(err, d.end())
}

// keyFrames passes the key frames of src to a decoder, and to another one when the codec changes.
func keyFrames(src media.PacketReader, d *decoder, folder string) error {
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
			if err := d.begin(u.Track.Codec, folder); err != nil {
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

type decoder struct {
	codec media.Codec
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

func (d *decoder) begin(codec media.Codec, folder string) (err error) {
	if err := d.end(); err != nil {
		return err
	}
	d.codec = codec
	d.cmd = exec.Command("ffmpeg", "-v", "error", "-probesize", "32", "-flags", "low_delay", "-f", formats[codec], "-i", "pipe:0",
		"-fps_mode", "passthrough", filepath.Join(folder, formats[codec]+"-%05d.jpg"))
	d.cmd.Stderr = os.Stderr
	if d.stdin, err = d.cmd.StdinPipe(); err != nil {
		return err
	}
	return d.cmd.Start()
}

func (d *decoder) end() error {
	if d.cmd == nil {
		return nil
	}
	d.stdin.Close()
	err := d.cmd.Wait()
	d.cmd = nil
	return err
}
