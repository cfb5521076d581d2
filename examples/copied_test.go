// Package examples_test checks the examples that pkg.go.dev shows with each package.
package examples_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/doc"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestExamplesCanBeCopied checks that every example on pkg.go.dev compiles outside this repository: it is complete and imports no internal
// package.
func TestExamplesCanBeCopied(t *testing.T) {
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	scratch := t.TempDir()
	packages := 0
	for _, dir := range examplePackages(t, root) {
		name, err := filepath.Rel(root, dir)
		require.NoError(t, err)
		if name == "." {
			name = "rtmp"
		}
		examples := parseExamples(t, dir)
		require.NotEmpty(t, examples, "%s has no examples", name)
		for _, e := range examples {
			if !assert.NotNil(t, e.Play, "%s: Example%s refers to declarations in other files", name, e.Name) {
				continue
			}
			copied := filepath.Join(scratch, strings.ReplaceAll(name, string(filepath.Separator), "_")+"_"+e.Name)
			require.NoError(t, os.MkdirAll(copied, 0o755))
			var source bytes.Buffer
			require.NoError(t, format.Node(&source, token.NewFileSet(), e.Play))
			require.NoError(t, os.WriteFile(filepath.Join(copied, "main.go"), source.Bytes(), 0o644))
			packages++
		}
	}
	writeModule(t, root, scratch)
	vet := exec.Command("go", "vet", "./...")
	vet.Dir = scratch
	vet.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := vet.CombinedOutput()
	assert.NoError(t, err, "of %d examples, some do not compile:\n%s", packages, out)
}

// examplePackages returns the directories of the public packages.
func examplePackages(t *testing.T, root string) (dirs []string) {
	t.Helper()
	skipped := map[string]bool{"internal": true, "examples": true, "cmd": true, "bench": true, "interop": true, "testdata": true}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if skipped[d.Name()] || strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if sources, _ := filepath.Glob(filepath.Join(path, "*.go")); len(sources) > 0 {
			dirs = append(dirs, path)
		}
		return nil
	}))
	return dirs
}

// parseExamples returns the examples in a directory as go/doc, and so pkg.go.dev, shows them.
func parseExamples(t *testing.T, dir string) []*doc.Example {
	t.Helper()
	tests, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	require.NoError(t, err)
	var files []*ast.File
	for _, path := range tests {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		require.NoError(t, err)
		files = append(files, f)
	}
	return doc.Examples(files...)
}

// writeModule makes dir a module that requires this module and the versions in its go.mod, so that nothing is downloaded.
func writeModule(t *testing.T, root, dir string) {
	t.Helper()
	const module = "module github.com/go-librtmp/rtmp\n"
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	require.Contains(t, string(mod), module)
	text := strings.Replace(string(mod), module, "module example.com/scratch\n", 1) +
		fmt.Sprintf("\nrequire github.com/go-librtmp/rtmp v0.0.0\n\nreplace github.com/go-librtmp/rtmp => %q\n", root)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o644))
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.sum"), sum, 0o644))
}
