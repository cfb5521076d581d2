// Command encode publishes the output of an encoder. It runs ffmpeg to encode a file, or a test picture, as H.264 and AAC, and publishes
// them as a live stream. It reconnects if necessary.
//
//	go run ./examples/encode URL [FILE]
//
// A program with its own encoder calls WriteH264 and WriteMPEG4Audio in the same way. This example needs Unix, since it passes additional
// pipes to ffmpeg.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"time"

	"github.com/go-librtmp/rtmp/media"
	"github.com/go-librtmp/rtmp/relay"
)

const fps, rate = 25, 48000 // pictures and audio samples per second, since a raw stream contains no times

func main() {
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), "usage: encode URL [FILE]\nPublishes FILE, or a test picture, as ffmpeg encodes it.\n")
	}
	flag.Parse()
	if flag.NArg() < 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, flag.Arg(0), flag.Args()[1:]); err != nil && ctx.Err() == nil {
		log.Fatal("encode: ", err)
	}
}

func run(ctx context.Context, url string, files []string) error {
	input := []string{"-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25[out0];sine=frequency=440[out1]"}
	if len(files) > 0 {
		input = []string{"-i", files[0]}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	pictures, sound, wait, err := encoder(ctx, input)
	if err != nil {
		return err
	}
	p := &relay.Publisher{URLs: []string{url}, OnEvent: func(e relay.Event) { log.Print(e) }}
	p.Start()
	video, audio := &media.Track{Codec: media.H264}, &media.Track{Codec: media.AAC, SampleRate: rate, Channels: 2}
	w := media.NewWriter(p, video, audio)
	ended := make(chan error, 2)
	go func() {
		s := media.NewAccessUnitScanner(pictures, media.H264)
		for n := time.Duration(0); s.Scan(); n++ {
			if err := w.WriteH264(video, n*time.Second/fps, n*time.Second/fps, s.Unit()); err != nil {
				ended <- err
				return
			}
		}
		ended <- s.Err()
	}()
	go func() {
		s := media.NewADTSScanner(sound)
		for n := time.Duration(0); s.Scan(); n++ {
			if err := w.WriteMPEG4Audio(audio, n*1024*time.Second/rate, s.Frame()); err != nil { // a frame has 1024 samples
				ended <- err
				return
			}
		}
		ended <- s.Err()
	}()
	err = <-ended
	if err != nil {
		stop() // ffmpeg, which would wait for a reader of its output
	}
	return cmp.Or(err, <-ended, wait(), w.Close(), p.Close())
}

// encoder starts ffmpeg, which encodes at the speed at which the input plays. wait waits until it ends.
func encoder(ctx context.Context, input []string) (pictures, sound io.Reader, wait func() error, err error) {
	pictures, h264, err := os.Pipe()
	if err != nil {
		return nil, nil, nil, err
	}
	sound, adts, err := os.Pipe()
	if err != nil {
		return nil, nil, nil, err
	}
	args := append([]string{"-v", "error", "-re"}, input...)
	args = append(args, "-map", "0:v", "-r", strconv.Itoa(fps), "-c:v", "libx264", "-bf", "0", "-g", "50", "-tune", "zerolatency",
		"-pix_fmt", "yuv420p", "-f", "h264", "pipe:3",
		"-map", "0:a", "-ar", strconv.Itoa(rate), "-ac", "2", "-c:a", "aac", "-f", "adts", "pipe:4")
	cmd := exec.CommandContext(ctx, "ffmpeg", args...)
	cmd.Stderr, cmd.ExtraFiles = os.Stderr, []*os.File{h264, adts}
	err = cmd.Start()
	h264.Close()
	adts.Close()
	return pictures, sound, cmd.Wait, err
}
