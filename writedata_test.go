package rtmp

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// TestWriteData checks that data messages are sent in order and with their timestamps, and metadata as @setDataFrame.
func TestWriteData(t *testing.T) {
	got := make(chan []Packet, 1)
	url := newPeer(t, func(p *peer) {
		p.AcceptPublisher()
		var all []Packet
		for len(all) < 4 {
			m, err := p.Next()
			if err != nil {
				break
			}
			if m.Type.Media() {
				all = append(all, m)
			}
		}
		got <- all
		p.UntilGone()
	})
	c := dialed(t, url, &Options{Publish: true})
	s, err := c.CreateStream(conntest.Context(t), &StreamOptions{Writable: true})
	require.NoError(t, err)
	require.NoError(t, s.WriteData("onMetaData", map[string]any{"width": 2}))
	require.NoError(t, s.WritePacket(&Packet{Type: message.TypeAudio, Timestamp: 1234, Body: []byte{0xAF, 1, 1}}))
	require.NoError(t, s.WriteData("onCuePoint", "here", 1.5))
	require.ErrorContains(t, s.WriteData("onCuePoint", make(chan int)), "rtmp: onCuePoint: ")
	require.NoError(t, s.WriteData("empty"))

	all := <-got
	require.Len(t, all, 4)
	body := func(values ...any) []byte {
		b, err := amf.AppendAMF0(nil, values...)
		require.NoError(t, err)
		return b
	}
	for i, want := range []Packet{
		{Type: message.TypeDataAMF0, Body: body("@setDataFrame", "onMetaData", map[string]any{"width": 2})},
		{Type: message.TypeAudio, Timestamp: 1234, Body: []byte{0xAF, 1, 1}},
		{Type: message.TypeDataAMF0, Timestamp: 1234, Body: body("onCuePoint", "here", 1.5)},
		{Type: message.TypeDataAMF0, Timestamp: 1234, Body: body("empty")},
	} {
		assert.Equal(t, want.Type, all[i].Type, i)
		assert.Equal(t, want.Timestamp, all[i].Timestamp, i)
		assert.Equal(t, want.Body, all[i].Body, i)
	}
}

func TestWriteDataOfAStreamThatPlays(t *testing.T) {
	url := newPeer(t, func(p *peer) { p.AcceptPlayer(); p.UntilGone() })
	_, s := playing(t, url, nil)
	require.ErrorIs(t, s.WriteData("onCuePoint"), ErrNotWritable)
}
