package handshake

// opening is our first packet, C1 or S1, and what is needed to check the peer's reply.
type opening struct {
	packet *packet
	scheme Scheme           // scheme of the digest; SchemeAuto if there is none
	digest [digestSize]byte // valid unless scheme is SchemeAuto
	key    *keyPair         // nil on an unencrypted connection
}

func newPlainOpening(cfg Config) (*opening, error) {
	p, err := newPacket(cfg, cfg.Version)
	if err != nil {
		return nil, err
	}
	return &opening{packet: p}, nil
}

// newSignedOpening includes a public key if encrypted is set.
func newSignedOpening(cfg Config, r role, version [4]byte, s Scheme, encrypted bool) (*opening, error) {
	p, err := newPacket(cfg, version)
	if err != nil {
		return nil, err
	}
	o := &opening{packet: p, scheme: s}
	if encrypted {
		if o.key, err = newKeyPair(cfg); err != nil {
			return nil, err
		}
		copy(p[keyFields[s].in(p):], o.key.public[:])
	}
	o.digest = r.sign(p, s) // The digest is last, because it covers the rest of the packet.
	return o, nil
}

// deriveCiphers sets res's ciphers from our key and the peer's public key. The scheme of the peer's digest determines the position of the
// public key in peer, the first packet. what names that packet in errors.
func (o *opening) deriveCiphers(what string, peer *packet, res *Result) error {
	if o.key == nil {
		return nil
	}
	at := keyFields[res.Scheme].in(peer)
	publicKey := [keySize]byte(peer[at:])
	secret, err := o.key.secret(publicKey)
	if err != nil {
		return &Error{Stage: "read " + what, Detail: err.Error(), Value: publicKey}
	}
	if res.In, err = newCipher(secret, o.key.public); err != nil {
		return err
	}
	res.Out, err = newCipher(secret, publicKey)
	return err
}

// checkReply sets res.ReplyValid if a C2 or S2 from replier answers the opening. On an encrypted connection a wrong answer is
// an error: a peer that has not found our digest has not found our public key either.
func (o *opening) checkReply(replier role, what string, reply *packet, res *Result) error {
	if !res.Digest {
		res.ReplyValid = reply.echoes(o.packet)
		return nil
	}
	res.ReplyValid = replier.verifyReply(reply, o.digest, res.Encryption)
	if res.Encryption != EncryptionNone && !res.ReplyValid {
		detail := "wrong signature for " + res.Encryption.String()
		return &Error{Stage: "read " + what, Detail: detail, Value: [digestSize]byte(reply.signature())}
	}
	return nil
}
