//go:build 386 || arm || mips || mipsle

package bench

import "testing"

const no32bit = "go-rtmp 0.0.7 does not compile where an int has 32 bits"

func readWithGoRTMP(b *testing.B, _ int) { b.Skip(no32bit) }

func publishWithGoRTMP(b *testing.B, _ int) { b.Skip(no32bit) }

func goRTMPForAll(t *testing.T) pipeliningServer {
	t.Skip(no32bit)
	return pipeliningServer{}
}
