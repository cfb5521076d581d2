package handshake

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pipe runs both halves against each other.
func pipe(t *testing.T, client, server Config) (c, s *Result) {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	done := make(chan error, 1)
	go func() {
		var err error
		s, err = Server(b, server)
		done <- err
	}()
	c, err := Client(a, client)
	require.NoError(t, err)
	require.NoError(t, <-done)
	return c, s
}

func TestPlain(t *testing.T) {
	c, s := pipe(t, Config{}, Config{})
	assert.False(t, c.Digest)
	assert.False(t, s.Digest)
}

func TestDigest(t *testing.T) {
	for _, client := range []Scheme{SchemeDigestFirst, SchemeKeyFirst} {
		c, s := pipe(t, Config{Digest: true, Scheme: client}, Config{Digest: true})
		assert.True(t, c.Digest)
		assert.True(t, s.Digest)
		assert.Equal(t, client, s.Scheme)
	}
}

// The vectors of legacy.md 2.5, computed by code that has completed real handshakes with rtmpdump.
func TestVectors(t *testing.T) {
	for _, v := range []struct {
		scheme           Scheme
		c1Digest, c1Hash string
		s1Digest, s1Hash string
	}{
		{SchemeDigestFirst, "0b441119ef46c4660e578ac88d3bf4c2d8901ff9a39c94bb92cb345f63928860",
			"97c733c9f73ec5c3dda41c1dd27f847e6d31634fce04f0f4c17de1bfd27893f9",
			"a18b3e83d43472dfab6b4bf942bdbd6258b9b87f368948e836d0094d9ee14a8f",
			"a4e77584b148d37ed6b66fc3af8c28323a5ce2c3e90f97c9f1038e911fb7f719"},
		{SchemeKeyFirst, "8e211aefe949d44221d8905aa6154973bcab5ecb43dc582f65b1de1c2f94e4d5",
			"d6abf3db96d97a96fb1c81f56d4a915f10e84490f308d4ae863828f38ceb8d84",
			"55d8b9fef1318c86567c0c727b5d7e2e37cee2ab503afeb1b6dddc8297d73966",
			"74d41e7c14e784546e31e8b24b1815800fdbd50e15201a4bcdb8c3f4468dbbc4"},
	} {
		var c1, s1 packet
		for i := range c1 {
			c1[i], s1[i] = byte(7*i+3), byte(5*i+1)
		}
		copy(c1[:], []byte{0, 0, 0, 0, 0x80, 0, 7, 2})
		copy(s1[:], []byte{0, 0, 0, 1, 3, 5, 1, 1})
		for _, side := range []struct {
			role         role
			p            *packet
			digest, hash string
		}{{player, &c1, v.c1Digest, v.c1Hash}, {mediaServer, &s1, v.s1Digest, v.s1Hash}} {
			digest := side.role.sign(side.p, v.scheme)
			assert.Equal(t, side.digest, hex.EncodeToString(digest[:]))
			sum := sha256.Sum256(side.p[:])
			assert.Equal(t, side.hash, hex.EncodeToString(sum[:]))
			scheme, found := side.role.find(side.p, v.scheme.other())
			assert.Equal(t, v.scheme, scheme)
			assert.Equal(t, digest, found)
		}
	}
}

// script is a peer whose bytes are known beforehand.
type script struct {
	io.Reader
	written bytes.Buffer
}

func (s *script) Write(b []byte) (int, error) { return s.written.Write(b) }

// serverBytes is what a server sends in a plain handshake, which does not depend on the client.
func serverBytes() []byte { return append([]byte{3}, make([]byte, 2*packetSize)...) }

func TestClientReadsNoFurther(t *testing.T) {
	in := bytes.NewReader(append(serverBytes(), "chunks"...))
	s := &script{Reader: iotest.OneByteReader(in)}
	_, err := Client(s, Config{})
	require.NoError(t, err)
	assert.Equal(t, len("chunks"), in.Len())
	assert.Equal(t, 1+2*packetSize, s.written.Len())
	assert.EqualValues(t, 3, s.written.Bytes()[0])
}

func TestCutAtEveryByte(t *testing.T) {
	whole := serverBytes()
	for n := range whole {
		_, err := Client(&script{Reader: bytes.NewReader(whole[:n])}, Config{})
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "byte %d", n)
		var bad *Error
		require.ErrorAs(t, err, &bad)
	}
}

func TestNotRTMP(t *testing.T) {
	for _, answer := range []string{"HTTP/1.1 400", "SSH-2.0", "\x15\x03\x01", "\x06", "\x08", "\x09"} {
		_, err := Client(&script{Reader: bytes.NewReader(append([]byte(answer), make([]byte, 4000)...))}, Config{})
		var bad *Error
		require.ErrorAs(t, err, &bad, "%q", answer)
	}
}

func TestWriteErrors(t *testing.T) {
	a, b := net.Pipe()
	b.Close()
	_, err := Client(a, Config{})
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

func FuzzClient(f *testing.F) {
	f.Add(serverBytes(), false)
	f.Add(serverBytes(), true)
	f.Fuzz(func(t *testing.T, answer []byte, digest bool) {
		in := bytes.NewReader(answer)
		_, err := Client(&script{Reader: in}, Config{Digest: digest})
		if err == nil {
			assert.Equal(t, len(answer)-1-2*packetSize, in.Len())
			return
		}
		var bad *Error
		assert.True(t, errors.As(err, &bad))
	})
}

func FuzzServer(f *testing.F) {
	f.Add(serverBytes())
	f.Fuzz(func(t *testing.T, hello []byte) {
		in := bytes.NewReader(hello)
		if _, err := Server(&script{Reader: in}, Config{}); err == nil {
			assert.Equal(t, len(hello)-1-2*packetSize, in.Len())
		}
	})
}
