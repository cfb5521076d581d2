// Package rtmptest starts servers for tests, and converts FLV files and the sample to tags. For a peer that does one specific thing wrong,
// see package peertest.
package rtmptest

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// Server starts a server that ends with the test. If cfg.Files is nil it has the recording "sample".
func Server(t testing.TB, cfg testserver.Config) *testserver.Server {
	t.Helper()
	if cfg.Files == nil {
		cfg.Files = map[string][]byte{"sample": testserver.Sample}
	}
	s, err := testserver.Start(cfg)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// Recorder starts a Server that records published streams. recorded closes the server, which completes the recordings, and returns the
// recording of a stream.
func Recorder(t testing.TB, cfg testserver.Config) (s *testserver.Server, recorded func(stream string) []byte) {
	t.Helper()
	cfg.RecordDir = t.TempDir()
	s = Server(t, cfg)
	return s, func(stream string) []byte {
		t.Helper()
		s.Close()
		file, err := os.ReadFile(filepath.Join(cfg.RecordDir, stream+".flv"))
		require.NoError(t, err)
		return file
	}
}

// Tags parses a complete FLV file. The bodies of the tags are copies.
func Tags(t testing.TB, file []byte) []flv.Tag {
	t.Helper()
	tags, err := testserver.Tags(file)
	require.NoError(t, err)
	return tags
}

var sampleTags = sync.OnceValues(func() ([]flv.Tag, error) { return testserver.Tags(testserver.Sample) })

// SampleTags returns the tags of testserver.Sample. The caller owns the slice, but must not modify the bodies of the tags.
func SampleTags(t testing.TB) []flv.Tag {
	t.Helper()
	tags, err := sampleTags()
	require.NoError(t, err)
	return slices.Clone(tags)
}

// File returns an FLV file with the given tags. Its header announces audio and video.
func File(tags ...flv.Tag) []byte {
	b := flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})
	for _, tag := range tags {
		b = flv.AppendTag(b, tag)
	}
	return b
}

// EqualTags compares tags one by one, since a diff of whole files is unreadable.
func EqualTags(t testing.TB, want, got []flv.Tag) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		require.Equal(t, want[i].Type, got[i].Type, "type of tag %d", i)
		require.Equal(t, want[i].Timestamp, got[i].Timestamp, "time of tag %d", i)
		require.Equal(t, want[i].Body, got[i].Body, "body of tag %d", i)
	}
	require.Equal(t, len(want), len(got), "number of tags, of which the first ones are equal")
}

// Echo is for testserver.Config.Handlers: "echo" returns its first argument.
var Echo = map[string]func(*testserver.Session, message.Command) (any, error){
	"echo": func(_ *testserver.Session, cmd message.Command) (any, error) { return cmd.Args[0], nil },
}

// RepeatedSample returns the sample n times in a row, with one set of metadata and decoder configurations.
func RepeatedSample(t testing.TB, n int) []flv.Tag {
	const length = 10_080 // ms
	sample := SampleTags(t)
	tags := sample
	for i := 1; i < n; i++ {
		for _, tag := range sample {
			if !flv.IsHeader(tag) {
				tag.Timestamp += uint32(i * length)
				tags = append(tags, tag)
			}
		}
	}
	return tags
}
