package handshake

import (
	"fmt"
	"io"
	"sync"
)

// The versions that librtmp announces in a digest handshake, unencrypted and encrypted.
var (
	defaultPlayerVersion    = [4]byte{0x0a, 0x00, 0x2d, 0x02}
	defaultEncryptedVersion = [4]byte{0x80, 0x00, 0x03, 0x02}
)

// Client performs the client's half on rw. It sends C0 and C1 in one write and C2 in another, and reads exactly S0, S1 and S2.
// S2 may arrive before or after C2 has been sent. Config.Early says when Config.Data is sent.
//
// Client is lenient, as players are. An S2 that does not match is only reported in Result.ReplyValid, and if a server answers a
// digest C1 with an S1 without a digest, Client sends a plain C2. It accepts any S0 below 32 except those of RTMPE and TLS.
//
// With Config.Encryption it is strict: the server must agree to encryption, S1 must have a digest and a valid public key, and
// S2 must have a valid signature.
//
// All errors are *[Error] and wrap those of rw.
func Client(rw io.ReadWriter, cfg Config) (*Result, error) {
	if err := cfg.Encryption.check(); err != nil {
		return nil, err
	}
	c1, err := newC1(cfg)
	if err != nil {
		return nil, err
	}
	first := []byte{cfg.Encryption.typeByte()}
	if cfg.atOnce() {
		err = writeAll(rw, "write C0, C1 and C2", first, c1.packet[:], new(packet)[:], cfg.Data)
	} else {
		err = writeAll(rw, "write C0 and C1", first, c1.packet[:])
	}
	if err != nil {
		return nil, err
	}

	// S2 may come at once or only after C2, so this waits for S0 and S1 only, but reads as much as has arrived.
	memory := replyBuffers.Get().(*[1 + 2*packetSize]byte)
	defer replyBuffers.Put(memory)
	in := reader{r: rw, buf: memory[:]}
	s0, s1, err := in.serverOpening(cfg)
	if err != nil {
		return nil, err
	}
	res := &Result{PeerType: s0, Encryption: encryptionOf(s0), PeerVersion: s1.version(), S1Tail: s1.tail()}
	var data []byte // not yet sent
	if !cfg.atOnce() {
		if data, err = writeC2(rw, cfg, c1, s1, res, in.buffered(packetSize)); err != nil {
			return nil, err
		}
	}
	s2, err := in.packet("S2")
	if err != nil {
		return nil, err
	}
	if err := c1.checkReply(mediaServer, "S2", s2, res); err != nil {
		return nil, err
	}
	if len(data) > 0 {
		if err := writeAll(rw, "write after C2", data); err != nil {
			return nil, err
		}
	}
	return res, nil
}

// replyBuffers holds buffers for S0, S1 and S2.
var replyBuffers = sync.Pool{New: func() any { return new([1 + 2*packetSize]byte) }}

func (in *reader) serverOpening(cfg Config) (s0 byte, s1 *packet, err error) {
	if s0, err = in.typeByte(serverNames, cfg.Encryption != EncryptionNone); err != nil {
		return 0, nil, err
	}
	if cfg.Encryption != EncryptionNone && encryptionOf(s0) == EncryptionNone {
		detail := fmt.Sprintf("server answered %#02x: no encrypted connection", s0)
		return 0, nil, &Error{Stage: "read S0", Detail: detail, Value: s0}
	}
	s1, err = in.packet("S1")
	return s0, s1, err
}

// writeC2 sends C2, together with the data unless the data has to wait for S2. It returns the data that is still to be sent.
func writeC2(w io.Writer, cfg Config, c1 *opening, s1 *packet, res *Result, s2Came bool) (data []byte, _ error) {
	c2, err := newC2(cfg, c1, s1, res)
	if err != nil {
		return nil, err
	}
	data = res.encipher(cfg.Data)
	if cfg.Early == EarlyNone && !s2Came {
		return data, writeAll(w, "write C2", c2[:])
	}
	return nil, writeAll(w, "write C2", c2[:], data)
}

func newC1(cfg Config) (*opening, error) {
	switch {
	case cfg.Encryption != EncryptionNone:
		return newSignedOpening(cfg, player, cfg.versionOr(defaultEncryptedVersion), cfg.Scheme.or(SchemeKeyFirst), true)
	case cfg.Digest:
		return newSignedOpening(cfg, player, cfg.versionOr(defaultPlayerVersion), cfg.Scheme.or(SchemeDigestFirst), false)
	}
	return newPlainOpening(cfg)
}

// newC2 returns the answer to s1, in the form of s1, and sets res's form and ciphers.
func newC2(cfg Config, c1 *opening, s1 *packet, res *Result) (*packet, error) {
	if c1.scheme == SchemeAuto {
		return s1, nil
	}
	var digest [digestSize]byte
	res.Scheme, digest = mediaServer.find(s1, c1.scheme)
	res.Digest = res.Scheme != SchemeAuto
	if err := res.needDigest("S1"); err != nil {
		return nil, err
	}
	if !res.Digest {
		return s1, nil
	}
	if err := c1.deriveCiphers("S1", s1, res); err != nil {
		return nil, err
	}
	return player.newReply(cfg, digest, res.Encryption)
}
