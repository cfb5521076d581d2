package online

import (
	"bytes"
	"context"
	_ "embed"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// sample is 1.92 seconds of H.264 (Main, 320x180, 25 frames a second, a key frame every 24) and AAC (48 kHz stereo) of the same duration,
// so that it can be repeated. It is reproducible bit for bit with FFmpeg 5.1 and x264 core 164:
//
//	ffmpeg -f lavfi -i testsrc2=size=320x180:rate=25 \
//	  -f lavfi -i sine=frequency=440:beep_factor=4:sample_rate=48000 -t 1.92 -af atrim=end_sample=91136 \
//	  -c:v libx264 -threads 1 -preset medium -profile:v main -pix_fmt yuv420p \
//	  -b:v 150k -maxrate 200k -bufsize 300k -g 24 -keyint_min 24 -sc_threshold 0 -bf 0 \
//	  -c:a aac -b:a 48k -ac 2 -ar 48000 \
//	  -fflags +bitexact -flags:v +bitexact -flags:a +bitexact -map_metadata -1 -flvflags no_sequence_end -f flv sample.flv
//
//go:embed sample.flv
var sample []byte

// sampleLength is the duration of the sample in ms.
const sampleLength = 1920

func publish(ctx context.Context, s *rtmp.Stream) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	began := time.Now()
	for offset := uint32(0); ; offset += sampleLength {
		r := flv.NewReader(bytes.NewReader(sample))
		var tag flv.Tag
		for r.Next(&tag) == nil {
			at := tag.Timestamp + offset
			if offset > 0 && flv.IsHeader(tag) {
				continue
			}
			timer.Reset(time.Until(began.Add(time.Duration(at) * time.Millisecond)))
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-timer.C:
			}
			if err := s.WritePacket(&rtmp.Packet{Type: message.Type(tag.Type), Timestamp: at, Body: tag.Body}); err != nil {
				return err
			}
		}
	}
}
