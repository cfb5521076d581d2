package examples_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// imported contains the packages that the snippets in the documentation use without importing them.
var imported = map[string]string{
	"context": "context", "errors": "errors", "fmt": "fmt", "http": "net/http", "io": "io", "log": "log", "os": "os", "strings": "strings",
	"net": "net", "testing": "testing", "time": "time",
	"capture":  "github.com/go-librtmp/rtmp/capture",
	"download": "github.com/go-librtmp/rtmp/download", "flv": "github.com/go-librtmp/rtmp/flv", "media": "github.com/go-librtmp/rtmp/media",
	"message": "github.com/go-librtmp/rtmp/message", "relay": "github.com/go-librtmp/rtmp/relay", "rtmp": "github.com/go-librtmp/rtmp",
	"server": "github.com/go-librtmp/rtmp/server", "servertest": "github.com/go-librtmp/rtmp/server/servertest",
	"handshake": "github.com/go-librtmp/rtmp/handshake",
}

var (
	goBlock   = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	qualifier = regexp.MustCompile(`\b([a-z]+)\.[A-Z]`)
)

// TestSnippetsCompile checks that every Go snippet in README.md and the guides compiles outside this repository.
func TestSnippetsCompile(t *testing.T) {
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	scratch := t.TempDir()
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	snippets := 0
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for i, block := range goBlock.FindAllStringSubmatch(string(text), -1) {
			dir := filepath.Join(scratch, fmt.Sprintf("%s_%d", strings.TrimSuffix(filepath.Base(page), ".md"), i))
			require.NoError(t, os.Mkdir(dir, 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "snippet_test.go"), []byte(complete(block[1])), 0o644))
			snippets++
		}
	}
	require.Greater(t, snippets, 10)
	writeModule(t, root, scratch)
	vet := exec.Command("go", "vet", "./...")
	vet.Dir = scratch
	vet.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := vet.CombinedOutput()
	assert.NoError(t, err, "of %d snippets, some do not compile:\n%s", snippets, out)
}

// complete adds the package clause and imports to a snippet of declarations. It leaves whole programs unchanged.
func complete(code string) string {
	if strings.Contains(code, "\npackage main\n") || strings.HasPrefix(code, "package main\n") {
		return code
	}
	file := "package snippet\n"
	added := map[string]bool{}
	for _, m := range qualifier.FindAllStringSubmatch(code, -1) {
		if path, ok := imported[m[1]]; ok && !added[m[1]] {
			added[m[1]] = true
			file += fmt.Sprintf("import %q\n", path)
		}
	}
	return file + code
}
