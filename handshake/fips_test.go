package handshake

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRestrictedToFIPS140 checks that RTMPE returns an error in a program that is restricted to FIPS 140. The restriction applies to a
// whole process, so the test runs itself in another one.
func TestRestrictedToFIPS140(t *testing.T) {
	const setting = "GODEBUG=fips140=only"
	if os.Getenv("GODEBUG") != "fips140=only" {
		again := func(name string) ([]byte, error) {
			cmd := exec.Command(os.Args[0], "-test.run=^"+name+"$")
			cmd.Env = append(os.Environ(), setting)
			return cmd.CombinedOutput()
		}
		if out, err := again("none"); err != nil {
			t.Skipf("not possible here: %v\n%s", err, out)
		}
		out, err := again(t.Name())
		require.NoError(t, err, "%s", out)
		return
	}

	for half, name := range map[string]string{"client": "rtmpsrv-6", "server": "rtmpdump-6"} {
		rec := readRecording(t, name)
		said := rec.C0C1
		if half == "client" {
			said = rec.S0S1S2
		}
		peer := scripted(said)
		res, err := halves[half](peer, Config{Encryption: EncryptionPlain})
		assert.Nil(t, res)
		assert.ErrorContains(t, err, "handshake: session ciphers: crypto/rc4: ")
		assert.Equal(t, opened[half], peer.sent.Len(), "bytes that we sent")

		_, err = halves[half](scripted(serverScript(3, new(packet), new(packet))), Config{Digest: true})
		assert.NoError(t, err, "%s, unencrypted", half)
	}
}
