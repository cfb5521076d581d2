package rtmp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/conntest"
)

type point struct {
	X float64 `amf0:"x"`
	Y int     `amf0:"y"`
}

type node struct {
	Next *node  `amf0:"next"`
	Name string `amf0:"name"`
}

func TestFunc(t *testing.T) {
	date := time.UnixMilli(1_700_000_000_000).UTC()
	for name, test := range map[string]struct {
		fn   any
		args []any
		want any
	}{
		"numbers":            {func(a, b float64) float64 { return a + b }, []any{1.0, 2.0}, 3.0},
		"integers":           {func(a int8, b uint) int { return int(a) + int(b) }, []any{-1.0, 2.0}, 1},
		"nothing":            {func() {}, nil, nil},
		"only an error":      {func() error { return nil }, []any{}, nil},
		"value and error":    {func(s string) (string, error) { return s + "!", nil }, []any{"a"}, "a!"},
		"context":            {func(ctx context.Context, b bool) bool { return ctx.Value(contextKey{}) == "here" && b }, []any{true}, true},
		"variadic":           {func(sep string, rest ...int) string { return fmt.Sprint(sep, rest) }, []any{",", 1.0, 2.0}, ",[1 2]"},
		"variadic, empty":    {func(sep string, rest ...int) string { return fmt.Sprint(sep, rest) }, []any{","}, ",[]"},
		"any":                {func(v any) any { return v }, []any{amf.Undefined}, amf.Undefined},
		"struct":             {func(p point) float64 { return p.X + float64(p.Y) }, []any{amf.Object{{Name: "x", Value: 1.5}, {Name: "y", Value: 2.0}}}, 3.5},
		"pointer to nothing": {func(p *point) bool { return p == nil }, []any{nil}, true},
		"recursive":          {func(n node) string { return n.Next.Name }, []any{amf.Object{{Name: "next", Value: amf.Object{{Name: "name", Value: "b"}}}}}, "b"},
		"slice":              {func(s []string) int { return len(s) }, []any{[]any{"a", "b"}}, 2},
		"map":                {func(m map[string]int) int { return m["a"] }, []any{amf.ECMAArray{{Name: "a", Value: 4.0}}}, 4},
		"date":               {func(d time.Time) bool { return d.Equal(date) }, []any{date}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Func(test.fn)(context.WithValue(t.Context(), contextKey{}, "here"), test.args)
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

type contextKey struct{}

func TestFuncRefusesCalls(t *testing.T) {
	called := false
	two := func(a float64, b uint8) { called = true }
	for name, test := range map[string]struct {
		fn   any
		args []any
		want string
	}{
		"too few":          {two, []any{1.0}, "number of arguments is 1, want 2"},
		"too many":         {two, []any{1.0, 2.0, 3.0}, "number of arguments is 3, want 2"},
		"too few variadic": {func(a float64, b ...float64) { called = true }, nil, "at least 1"},
		"another type":     {two, []any{"1", 2.0}, "argument 1"},
		"not whole":        {two, []any{1.0, 2.5}, "argument 2"},
		"out of range":     {two, []any{1.0, 256.0}, "argument 2"},
		"within a struct":  {func(p point) { called = true }, []any{amf.Object{{Name: "y", Value: "text"}}}, "argument 1"},
	} {
		_, err := Func(test.fn)(t.Context(), test.args)
		require.ErrorContains(t, err, test.want, name)
	}
	assert.False(t, called)
	_, err := Func(func() (int, error) { return 1, errors.New("no") })(t.Context(), nil)
	require.EqualError(t, err, "no")
}

func TestFuncPanicsAtOnce(t *testing.T) {
	for name, fn := range map[string]any{
		"nil":               nil,
		"no function":       5,
		"nil function":      (func())(nil),
		"two results":       func() (int, int) { return 1, 2 },
		"channel":           func(chan int) {},
		"function":          func() func() { return nil },
		"complex":           func(complex64) {},
		"other interface":   func(io.Reader) {},
		"within a struct":   func(struct{ C chan int }) {},
		"within a slice":    func([]chan int) {},
		"context not first": func(int, context.Context) {},
	} {
		assert.Panics(t, func() { Func(fn) }, name)
	}
}

func TestFuncServes(t *testing.T) {
	answers := make(chan any, 2)
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.Call(0, "MyMath.MyAdd", 5, nil, 1, 2)
		answers <- p.Expect("_result").Args[0]
		p.Call(0, "MyMath.MyAdd", 6, nil, "one", 2)
		answers <- p.Expect("_error").Args[0]
		p.UntilGone()
	})
	c, err := New(url, &Options{BackgroundRead: true})
	require.NoError(t, err)
	defer c.Close()
	c.InvokeHandler("MyMath.MyAdd", Func(func(a, b float64) float64 { return a + b }))
	_, err = c.Connect(conntest.Context(t))
	require.NoError(t, err)
	assert.Equal(t, 3.0, <-answers)
	code, _ := (<-answers).(amf.Object).Get("code")
	assert.Equal(t, "NetConnection.Call.Failed", code)
}
