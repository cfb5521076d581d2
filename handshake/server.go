package handshake

import "io"

// defaultServerVersion is what Flash Media Server 3.5 announces.
var defaultServerVersion = [4]byte{0x03, 0x05, 0x01, 0x01}

// Server performs the server's half on rw: it reads exactly C0, C1 and C2, and writes S0, S1 and S2 at once as soon as C1 is
// complete, so that clients which want S2 before they send C2 are served as well.
//
// A client whose C1 has a version word other than zero and a valid digest in either scheme is answered with digests, every
// other one plainly. What C2 contains is reported in Result.ReplyValid only. The rules for C0 are those of S0 in [Client].
//
// All errors are *[Error]; those of rw stay reachable through [errors.Is].
func Server(rw io.ReadWriter, cfg Config) (*Result, error) {
	in := reader{r: rw, buf: make([]byte, 1+packetSize)}
	c0, err := in.first(clientNames)
	if err != nil {
		return nil, err
	}
	c1, err := in.packet("C1")
	if err != nil {
		return nil, err
	}

	res := &Result{PeerType: c0, PeerVersion: c1.version()}
	s1, s2, digest, err := newS1S2(cfg, c1, res)
	if err != nil {
		return nil, err
	}
	res.S1Tail = s1.tail()
	if err := writeAll(rw, "write S0, S1 and S2", []byte{typePlain}, s1[:], s2[:]); err != nil {
		return nil, err
	}

	in = reader{r: rw, buf: make([]byte, packetSize)}
	c2, err := in.packet("C2")
	if err != nil {
		return nil, err
	}
	if res.Digest {
		res.ReplyValid = player.verifyReply(c2, digest)
	} else {
		res.ReplyValid = c2.echoes(s1)
	}
	return res, nil
}

// newS1S2 returns the answers to c1 in the form that fits it, which it notes in res, and the digest of S1 if it has one.
func newS1S2(cfg Config, c1 *packet, res *Result) (s1, s2 *packet, digest [digestSize]byte, err error) {
	if !cfg.PlainOnly && res.PeerVersion != [4]byte{} {
		var peerDigest [digestSize]byte
		if res.Scheme, peerDigest = player.find(c1, SchemeKeyFirst); res.Scheme != SchemeAuto {
			res.Digest = true
			s1, err = newPacket(cfg, cfg.versionOr(defaultServerVersion))
			if err != nil {
				return nil, nil, digest, err
			}
			digest = mediaServer.sign(s1, cfg.Scheme.or(res.Scheme))
			s2, err = mediaServer.newReply(cfg, peerDigest)
			return s1, s2, digest, err
		}
	}
	s1, err = newPacket(cfg, cfg.Version)
	return s1, c1, digest, err
}
