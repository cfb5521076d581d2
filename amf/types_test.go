package amf

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMembers(t *testing.T) {
	members := Object{{Name: "a", Value: 1.0}}
	for _, v := range []any{members, ECMAArray(members), TypedObject{Class: "C", Object: members}} {
		assert.Equal(t, members, Members(v))
	}
	for _, v := range []any{nil, Undefined, "a", 1.0, []any{members}} {
		assert.Nil(t, Members(v))
	}
}
