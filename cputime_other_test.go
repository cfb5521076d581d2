//go:build !unix

package rtmp

import "time"

func cpuTime() time.Duration { return 0 }
