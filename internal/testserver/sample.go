package testserver

import _ "embed"

// Sample is a small FLV file: ten seconds of H.264 (Main profile, 320x180, 25 frames a second, a key frame every
// two seconds, B-frames, so that composition times are not zero) and AAC (44.1 kHz stereo). It must not be modified.
//
// It is reproducible bit for bit with FFmpeg 5.1 and x264 core 164:
//
//	ffmpeg -f lavfi -i testsrc2=size=320x180:rate=25 \
//	  -f lavfi -i sine=frequency=440:beep_factor=4:sample_rate=44100 -t 10 \
//	  -c:v libx264 -threads 1 -preset medium -profile:v main -pix_fmt yuv420p \
//	  -b:v 150k -maxrate 200k -bufsize 300k -g 50 -keyint_min 50 -sc_threshold 0 -bf 2 \
//	  -c:a aac -b:a 48k -ac 2 -ar 44100 \
//	  -fflags +bitexact -flags:v +bitexact -flags:a +bitexact -map_metadata -1 -f flv sample.flv
//
//go:embed sample.flv
var Sample []byte
