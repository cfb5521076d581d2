package capture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDocOfAliases checks that the documentation names all fields and methods of types that are defined in an internal package, since go doc
// and pkg.go.dev do not show them.
func TestDocOfAliases(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "capture.go", nil, parser.ParseComments)
	require.NoError(t, err)
	docs := make(map[string]string)
	for _, d := range file.Decls {
		if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.TYPE {
			docs[d.Specs[0].(*ast.TypeSpec).Name.Name] = d.Doc.Text()
		}
	}
	for name, of := range map[string]reflect.Type{
		"Info": reflect.TypeFor[Info](), "Handshake": reflect.TypeFor[Handshake](), "End": reflect.TypeFor[End](),
		"Direction": reflect.TypeFor[Direction](), "Recorder": reflect.TypeFor[*Recorder](),
	} {
		for i := range of.NumMethod() {
			assert.Contains(t, docs[name], of.Method(i).Name, name)
		}
		for i := 0; of.Kind() == reflect.Struct && i < of.NumField(); i++ {
			field := of.Field(i)
			kind := strings.NewReplacer("capturefile.", "", "uint8", "byte").Replace(field.Type.String())
			assert.Regexp(t, field.Name+" +"+regexp.QuoteMeta(kind), docs[name], name)
		}
	}
}
