package download

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

func impatient() *Recovery {
	return &Recovery{Attempts: 10, Delay: time.Nanosecond, MaxDelay: time.Nanosecond}
}

func TestRecoverFromCuts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, action := range []testserver.Action{testserver.Cut, testserver.Reset} {
		for range 20 {
			s := rtmptest.Server(t, testserver.Config{Fault: func(n int) testserver.Fault {
				if n >= 8 {
					return testserver.Fault{}
				}
				return testserver.Fault{Action: action, At: 3000 + random.Int64N(100_000)}
			}})
			path := filepath.Join(t.TempDir(), "out.flv")
			result, err := File(conntest.Context(t), s.URL("vod", "sample"), path, &Options{Recover: impatient()})
			require.NoError(t, err)
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(testserver.Sample, got), "%+v", result)
			for _, splice := range result.Splices {
				assert.True(t, splice.ByContent)
				assert.Zero(t, splice.Gap)
			}
			s.Close()
		}
	}
}

// TestRecoverStream is like TestRecoverFromCuts, for To, which can't change bytes that it has written.
func TestRecoverStream(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		s := rtmptest.Server(t, testserver.Config{Fault: func(n int) testserver.Fault {
			if n >= 6 {
				return testserver.Fault{}
			}
			return testserver.Fault{Action: testserver.Cut, At: 3000 + random.Int64N(100_000)}
		}})
		var got bytes.Buffer
		_, err := To(conntest.Context(t), s.URL("vod", "sample"), &got, &Options{Recover: impatient()})
		require.NoError(t, err)
		require.True(t, bytes.Equal(testserver.Sample, got.Bytes()))
		s.Close()
	}
}

// TestResumeAfterCuts checks that without recovery every attempt leaves a file of whole tags, which the next attempt continues.
func TestResumeAfterCuts(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		s := rtmptest.Server(t, testserver.Config{Fault: func(n int) testserver.Fault {
			return testserver.Fault{Action: testserver.Cut, At: 60_000 + random.Int64N(100_000)}
		}})
		path := filepath.Join(t.TempDir(), "out.flv")
		size := int64(0)
		for i := 0; ; i++ {
			require.Less(t, i, 20)
			result, err := File(conntest.Context(t), s.URL("vod", "sample"), path, &Options{Resume: true})
			got, readErr := os.ReadFile(path)
			require.NoError(t, readErr)
			require.True(t, bytes.HasPrefix(testserver.Sample, got))
			rtmptest.Tags(t, got)
			require.GreaterOrEqual(t, result.Size, size, "it never shrinks")
			size = result.Size
			if err == nil {
				require.GreaterOrEqual(t, len(got), len(testserver.Sample)-20, "all but the end of sequence")
				break
			}
			require.Equal(t, ClosedEarly, result.Outcome, "%v", err)
		}
		s.Close()
	}
}
