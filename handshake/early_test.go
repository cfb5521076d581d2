package handshake

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// piecewiseServer is a server that sends its handshake piece by piece, each after it has received a certain number of bytes. It records each write
// of the client.
type piecewiseServer struct {
	parts    []part
	received int
	sizes    []int
	all      bytes.Buffer
}

type part struct {
	after int
	b     []byte
}

func (w *piecewiseServer) Write(p []byte) (int, error) {
	w.received += len(p)
	w.sizes = append(w.sizes, len(p))
	return w.all.Write(p)
}

var errDeaf = errors.New("client and server are waiting for each other")

func (w *piecewiseServer) Read(p []byte) (int, error) {
	if len(w.parts) == 0 {
		return 0, io.EOF
	}
	next := &w.parts[0]
	if w.received < next.after {
		return 0, errDeaf
	}
	n := copy(p, next.b)
	if next.b = next.b[n:]; len(next.b) == 0 {
		w.parts = w.parts[1:]
	}
	return n, nil
}

// TestEarlyData checks that the client sends Data in one write, to servers that send S2 together with S1, after S1, or after C2.
func TestEarlyData(t *testing.T) {
	const opening = 1 + packetSize
	data := []byte("connect")
	n := len(data)
	s1 := pattern(5, 1, [8]byte{})
	answer := serverScript(3, s1, new(packet))[:opening+packetSize]
	together := []part{{opening, answer}}
	apart := []part{{opening, answer[:opening]}, {opening, answer[opening:]}}
	strict := []part{{opening, answer[:opening]}, {opening + packetSize, answer[opening:]}}
	patient := []part{{opening + packetSize, answer}}

	tests := []struct {
		name   string
		early  Early
		server []part
		sizes  []int
		zeros  bool // C2
	}{
		{"S2 has come", EarlyNone, together, []int{opening, packetSize + n}, false},
		{"S2 comes later", EarlyNone, apart, []int{opening, packetSize, n}, false},
		{"S2 waits for C2", EarlyNone, strict, []int{opening, packetSize, n}, false},
		{"after S1", EarlyAfterS1, together, []int{opening, packetSize + n}, false},
		{"after S1, S2 comes later", EarlyAfterS1, apart, []int{opening, packetSize + n}, false},
		{"after S1, S2 waits for C2", EarlyAfterS1, strict, []int{opening, packetSize + n}, false},
		{"at once", EarlyAtOnce, together, []int{opening + packetSize + n}, true},
		{"at once, S2 waits for C2", EarlyAtOnce, strict, []int{opening + packetSize + n}, true},
		{"at once, S0 waits for C2", EarlyAtOnce, patient, []int{opening + packetSize + n}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := &piecewiseServer{parts: append([]part(nil), tt.server...)}
			res, err := Client(server, Config{Data: data, Early: tt.early, Rand: testRand(1)})
			require.NoError(t, err)
			assert.Equal(t, tt.sizes, server.sizes)
			sent := server.all.Bytes()
			assert.Equal(t, "connect", string(sent[opening+packetSize:]))
			c2 := s1[:]
			if tt.zeros {
				c2 = make([]byte, packetSize)
			}
			assert.Equal(t, c2, sent[opening:opening+packetSize])
			assert.Equal(t, s1.tail(), res.S1Tail)
		})
	}

	t.Run("without data", func(t *testing.T) {
		server := &piecewiseServer{parts: []part{{opening, answer}}}
		_, err := Client(server, Config{})
		require.NoError(t, err)
		assert.Equal(t, []int{opening, packetSize}, server.sizes)
	})
	t.Run("S2 is checked nevertheless", func(t *testing.T) {
		c1, err := newPacket(Config{Rand: testRand(1)}, [4]byte{})
		require.NoError(t, err)
		echo := serverScript(3, s1, c1)[:opening+packetSize]
		res, err := Client(&piecewiseServer{parts: []part{{opening, echo}}}, Config{Early: EarlyAtOnce, Rand: testRand(1)})
		require.NoError(t, err)
		assert.True(t, res.ReplyValid)
		_, err = Client(&piecewiseServer{parts: []part{{opening, echo[:opening+7]}}}, Config{Early: EarlyAtOnce, Data: data, Rand: testRand(1)})
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.EqualError(t, err, "handshake: read S2: after 7 of 1536 bytes: unexpected EOF")
	})
}

// TestEarlyDataAfterAnUnusualS1 checks that with a digest or encryption, where C2 depends on S1, the client waits for S1 even with
// EarlyAtOnce. On an encrypted connection, Data must be encrypted too.
func TestEarlyDataAfterAnUnusualS1(t *testing.T) {
	for name, cfg := range map[string]Config{
		"digest": {Digest: true},
		"RTMPE":  {Encryption: EncryptionPlain},
	} {
		for _, early := range []Early{EarlyNone, EarlyAfterS1, EarlyAtOnce} {
			t.Run(name, func(t *testing.T) {
				cc, sc := net.Pipe()
				defer cc.Close()
				defer sc.Close()
				deadline := time.Now().Add(10 * time.Second)
				require.NoError(t, errors.Join(cc.SetDeadline(deadline), sc.SetDeadline(deadline)))
				cfg.Data, cfg.Early = []byte("connect"), early
				type outcome struct {
					res  *Result
					data []byte
					err  error
				}
				served := make(chan outcome, 1)
				go func() {
					res, err := Server(sc, Config{Encryption: cfg.Encryption})
					data := make([]byte, len(cfg.Data))
					if err == nil {
						_, err = io.ReadFull(sc, data)
					}
					if err == nil && res.In != nil {
						res.In.XORKeyStream(data, data)
					}
					served <- outcome{res, data, err}
				}()
				res, err := Client(cc, cfg)
				require.NoError(t, err)
				server := <-served
				require.NoError(t, server.err)
				assert.True(t, res.ReplyValid, "S2")
				assert.True(t, server.res.ReplyValid, "C2")
				assert.Equal(t, "connect", string(server.data))
				if res.Out != nil { // the position of both ciphers must be the end of the data
					next := []byte("next")
					res.Out.XORKeyStream(next, next)
					server.res.In.XORKeyStream(next, next)
					assert.Equal(t, "next", string(next))
				}
			})
		}
	}
}
