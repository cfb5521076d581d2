package rtmp_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The lower packages never import the upper ones.
func TestDirectionOfDependencies(t *testing.T) {
	const module = "github.com/go-librtmp/rtmp"
	allowed := map[string]string{
		"amf": "", "chunk": "", "handshake": "", "swf": "", "url": "", "message": "amf chunk internal/quote", "flv": "amf",
		"media":         "amf flv message",
		"internal/auth": "", "internal/transport": "internal/quote", "internal/quote": "",
		"internal/session":    "chunk flv message",
		"internal/testserver": "amf chunk flv handshake internal/auth internal/quote internal/session internal/transport message swf",
	}
	for name, want := range allowed {
		out, err := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, module+"/"+name).Output()
		require.NoError(t, err)
		for imported := range strings.FieldsSeq(string(out)) {
			if inner, ours := strings.CutPrefix(imported, module); ours {
				assert.Contains(t, strings.Fields(want), strings.TrimPrefix(inner, "/"), "imported by %s", name)
			}
		}
	}
}
