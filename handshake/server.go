package handshake

import "io"

// defaultServerVersion is the version that Flash Media Server 3.5 announces.
var defaultServerVersion = [4]byte{0x03, 0x05, 0x01, 0x01}

// Server performs the server's half on rw. It reads exactly C0, C1 and C2, and writes S0, S1 and S2 in one write when C1 is
// complete, since some clients wait for S2 before they send C2.
//
// A client whose C1 has a non-zero version word and a valid digest in either scheme is answered with digests, every other
// client plainly. A C2 that does not match is only reported in Result.ReplyValid. The rules for C0 are those for S0 in
// [Client].
//
// A client that asks for encryption gets the type in Config.Encryption. It must send a digest, a valid public key, and a valid
// signature in C2.
//
// All errors are *[Error] and wrap those of rw.
func Server(rw io.ReadWriter, cfg Config) (*Result, error) {
	if err := cfg.Encryption.check(); err != nil {
		return nil, err
	}
	in := reader{r: rw, buf: make([]byte, 1+packetSize)}
	c0, err := in.typeByte(clientNames, cfg.Encryption != EncryptionNone && !cfg.PlainOnly)
	if err != nil {
		return nil, err
	}
	c1, err := in.packet("C1")
	if err != nil {
		return nil, err
	}

	res := &Result{PeerType: c0, PeerVersion: c1.version()}
	if encryptionOf(c0) != EncryptionNone {
		res.Encryption = cfg.Encryption
	}
	s1, s2, err := newS1S2(cfg, c1, res)
	if err != nil {
		return nil, err
	}
	res.S1Tail = s1.packet.tail()
	if err := writeAll(rw, "write S0, S1 and S2", []byte{res.Encryption.typeByte()}, s1.packet[:], s2[:]); err != nil {
		return nil, err
	}

	in = reader{r: rw, buf: make([]byte, packetSize)}
	c2, err := in.packet("C2")
	if err != nil {
		return nil, err
	}
	if err := s1.checkReply(player, "C2", c2, res); err != nil {
		return nil, err
	}
	return res, nil
}

// newS1S2 returns the answers to c1, in the form of c1, and sets res's form and ciphers.
func newS1S2(cfg Config, c1 *packet, res *Result) (s1 *opening, s2 *packet, err error) {
	encrypted := res.Encryption != EncryptionNone
	var digest [digestSize]byte
	if !cfg.PlainOnly && (encrypted || res.PeerVersion != [4]byte{}) {
		res.Scheme, digest = player.find(c1, SchemeKeyFirst)
		res.Digest = res.Scheme != SchemeAuto
	}
	if err := res.needDigest("C1"); err != nil {
		return nil, nil, err
	}
	if !res.Digest {
		s1, err = newPlainOpening(cfg)
		return s1, c1, err
	}

	s1, err = newSignedOpening(cfg, mediaServer, cfg.versionOr(defaultServerVersion), cfg.Scheme.or(res.Scheme), encrypted)
	if err != nil {
		return nil, nil, err
	}
	if err := s1.deriveCiphers("C1", c1, res); err != nil {
		return nil, nil, err
	}
	s2, err = mediaServer.newReply(cfg, digest, res.Encryption)
	return s1, s2, err
}
