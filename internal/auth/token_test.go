package auth_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/auth"
)

// TestSecureToken compares with librtmp's responses, for which the memory after the challenges contained zeros.
func TestSecureToken(t *testing.T) {
	const challenge = "58656322c972d6cdf2d776167575045f8484ea888e31c086f7b5ffbd0baec55ce442c2fb"
	const response = "e968472df7e653ff12b20cc637505fc67dbcec652373f9235b808fceccdd5d3b493eb346"
	for name, test := range map[string]struct{ key, challenge, want string }{
		"nine words":            {"foo#bar", challenge, response},
		"upper case":            {"foo#bar", strings.ToUpper(challenge), response},
		"no key":                {"", "0011223344556677", "4dd423f0f5046ee4"},
		"key of 5 bytes":        {"abcde", "0123456789abcdef01234567", "d872f65a4bddbc605b51e4ac"},
		"key of 16 bytes":       {"0123456789abcdef", "00112233445566778899aabbccddeeff", "313a996f0baad324d780841bc5b92b9e"},
		"long key":              {"0123456789abcdefIGNORED", "00112233445566778899aabbccddeeff", "313a996f0baad324d780841bc5b92b9e"},
		"one word":              {"key", "00112233", "e70c3a8a"},
		"half a word more":      {"key", "0011223344", "c03775da7b"},
		"odd":                   {"key", "001122334455667", "2dd3b14439dd4f"},
		"one byte":              {"key", "ff", "c0"},
		"one digit":             {"key", "7", ""},
		"no hex digits":         {"key", "zz gg!?@`xyz~~~~~~~~", "d83f5756fbe49e7b0679"},
		"digits of 24 and more": {"key", "oooooooooooooooo", "b4e2e5e780a707e2"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := auth.SecureToken(test.key, test.challenge)
			require.NoError(t, err)
			assert.Equal(t, test.want, hex.EncodeToString([]byte(got)))
		})
	}
	t.Run("the server's half", func(t *testing.T) {
		plain, err := hex.DecodeString(response)
		require.NoError(t, err)
		assert.Equal(t, challenge, auth.SecureTokenChallenge("foo#bar", string(plain)))
	})
}

func TestSecureTokenRefuses(t *testing.T) {
	for name, challenge := range map[string]string{
		"empty":     "",
		"very long": strings.Repeat("0", 1<<16),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := auth.SecureToken("hush", challenge)
			var failure *auth.Error
			require.ErrorAs(t, err, &failure)
			assert.Less(t, len(err.Error()), 300)
			assert.NotContains(t, err.Error(), "hush")
		})
	}
}

func FuzzSecureToken(f *testing.F) {
	f.Add("foo#bar", "58656322c972d6cdf2d776167575045f8484ea888e31c086f7b5ffbd0baec55ce442c2fb")
	f.Add("", "")
	f.Add("key", "7")
	f.Add("0123456789abcdefgh", "\x00\xff no hex at all")
	f.Fuzz(func(t *testing.T, key, text string) {
		response, err := auth.SecureToken(key, text)
		if err == nil {
			assert.Len(t, response, len(text)/2)
		}
		if len(text) > 1<<12 {
			return
		}
		challenge := auth.SecureTokenChallenge(key, text)
		plain, err := auth.SecureToken(key, challenge)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(plain), len(text))
		assert.Equal(t, text, plain[:len(text)])
		assert.Empty(t, strings.Trim(plain[len(text):], "\x00"))
	})
}
