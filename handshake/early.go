package handshake

// Early says when a client sends [Config.Data], the beginning of the chunk stream. Each step after the first saves a round trip
// and needs a more tolerant server.
type Early uint8

const (
	// EarlyNone waits for S2, as RTMP 1.0, section 5.2.1, demands. If S2 arrives together with S1, the data is sent in one
	// write with C2.
	EarlyNone Early = iota
	// EarlyAfterS1 sends the data in one write with C2 and reads S2 afterwards.
	EarlyAfterS1
	// EarlyAtOnce sends C0, C1, C2 and the data in one write, and then reads S0, S1 and S2. C2 is all zeros, since S1 has not
	// arrived. Where C2 depends on S1, with a digest or encryption, this is EarlyAfterS1.
	EarlyAtOnce
)

func (cfg Config) atOnce() bool {
	return cfg.Early == EarlyAtOnce && !cfg.Digest && cfg.Encryption == EncryptionNone
}

func (res *Result) encipher(data []byte) []byte {
	if res.Out == nil || len(data) == 0 {
		return data
	}
	enciphered := make([]byte, len(data))
	res.Out.XORKeyStream(enciphered, data)
	return enciphered
}
