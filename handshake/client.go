package handshake

import "io"

// defaultPlayerVersion is what librtmp announces when it wants a digest handshake.
var defaultPlayerVersion = [4]byte{0x0a, 0x00, 0x2d, 0x02}

// Client performs the client's half on rw: one write of C0 and C1, one of C2, and it reads exactly S0, S1 and S2. S2 may
// arrive before or after C2 has been sent.
//
// It is lenient, as players are: an S2 that answers something else is reported in Result.ReplyValid only, and a digest
// C1 that is answered by an S1 without a digest leads to a plain C2. An S0 below 32 is accepted, except those of RTMPE and
// TLS; the others are forbidden by RTMP 1.0, section 5.2.2, since they begin the text of other protocols.
//
// All errors are *[Error]; those of rw stay reachable through [errors.Is].
func Client(rw io.ReadWriter, cfg Config) (*Result, error) {
	c1, digest, err := newC1(cfg)
	if err != nil {
		return nil, err
	}
	if err := writeAll(rw, "write C0 and C1", []byte{typePlain}, c1[:]); err != nil {
		return nil, err
	}

	// A server may send S2 right away or wait for C2. So demand no more than S0 and S1 for now, but take what is there.
	in := reader{r: rw, buf: make([]byte, 1+2*packetSize)}
	s0, err := in.first(serverNames)
	if err != nil {
		return nil, err
	}
	s1, err := in.packet("S1")
	if err != nil {
		return nil, err
	}
	res := &Result{PeerType: s0, PeerVersion: s1.version(), S1Tail: s1.tail()}
	c2, err := newC2(cfg, s1, res)
	if err != nil {
		return nil, err
	}
	if err := writeAll(rw, "write C2", c2[:]); err != nil {
		return nil, err
	}

	s2, err := in.packet("S2")
	if err != nil {
		return nil, err
	}
	if res.Digest {
		res.ReplyValid = mediaServer.verifyReply(s2, digest)
	} else {
		res.ReplyValid = s2.echoes(c1)
	}
	return res, nil
}

// newC1 returns C1 and, if cfg asks for one, the digest that it carries.
func newC1(cfg Config) (c1 *packet, digest [digestSize]byte, err error) {
	if !cfg.Digest {
		c1, err = newPacket(cfg, cfg.Version)
		return c1, digest, err
	}
	c1, err = newPacket(cfg, cfg.versionOr(defaultPlayerVersion))
	if err != nil {
		return nil, digest, err
	}
	return c1, player.sign(c1, cfg.Scheme.or(SchemeDigestFirst)), nil
}

// newC2 returns the answer to s1 and notes in res which form it has.
func newC2(cfg Config, s1 *packet, res *Result) (*packet, error) {
	if !cfg.Digest {
		return s1, nil
	}
	scheme, digest := mediaServer.find(s1, cfg.Scheme.or(SchemeDigestFirst))
	if scheme == SchemeAuto {
		return s1, nil
	}
	res.Digest, res.Scheme = true, scheme
	return player.newReply(cfg, digest)
}
