package rtmp

import (
	"context"
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// giveStream answers createStream with id, and play with Play.Start.
func (p *peer) giveStream(id uint32) {
	p.AcceptStream(id)
	p.Expect("play")
	p.StatusOn(id, "NetStream.Play.Start")
}

// playingFirst plays stream 1 of a scripted server. script is what the server does after it has accepted play.
func playingFirst(t *testing.T, script func(p *peer)) (*Conn, *Stream) {
	t.Helper()
	return playing(t, newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.giveStream(1)
		script(p)
		p.UntilGone()
	}), nil)
}

func closeSecond(t *testing.T, c *Conn) {
	t.Helper()
	second, err := c.CreateStream(conntest.Context(t), nil)
	require.NoError(t, err)
	require.NoError(t, second.Close())
}

// mediaOn sends one media message of each kind. The bodies contain the letter.
func (p *peer) mediaOn(id uint32, letter string) {
	data, err := message.AppendData(nil, message.TypeDataAMF0, "onMetaData", letter)
	if err != nil {
		panic(err)
	}
	aggregate := append([]byte{byte(message.TypeAudio), 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, letter...)
	aggregate = binary.BigEndian.AppendUint32(aggregate, 12)
	for _, m := range []Packet{
		{Type: message.TypeAudio, Body: []byte(letter)},
		{Type: message.TypeVideo, Body: []byte(letter)},
		{Type: message.TypeDataAMF0, Body: data},
		{Type: message.TypeAggregate, Body: aggregate},
	} {
		m.StreamID, m.Absolute = id, true
		p.Send(session.EncodePacket(&m))
	}
}

const kindsOfMedia = 4

func spoken(t *testing.T, s *Stream) (letters string) {
	var p Packet
	for {
		err := s.ReadPacket(&p)
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			return letters
		}
		letters += string(p.Body[len(p.Body)-1:])
	}
}

// endsOn sends every message that ends a stream.
func (p *peer) endsOn(id uint32) {
	p.Send(peertest.Event(message.EventStreamEOF, id))
	p.StatusOn(id, "NetStream.Play.Stop")
	p.StatusOn(id, "NetStream.Play.Complete")
	p.StatusOn(id, "NetStream.Play.UnpublishNotify")
	p.StatusOn(id, "NetStream.Play.Failed")
}

// TestClosedStreamsBelongToNobody checks that late messages for a closed stream do not reach another stream, and do not end it.
func TestClosedStreamsBelongToNobody(t *testing.T) {
	c, first := playingFirst(t, func(p *peer) {
		p.giveStream(2)
		p.Expect("deleteStream")
		p.mediaOn(1, "A")
		p.mediaOn(2, "B")
		p.endsOn(2)
		p.mediaOn(1, "A")
		p.mediaOn(0, "0") // this is tolerated while there is only one stream
		p.mediaOn(77, "7")
		p.StatusOn(0, "NetStream.Play.Stop")
	})
	closeSecond(t, c)
	assert.Equal(t, "AAAAAAAA00007777", spoken(t, first))
	assert.EqualValues(t, kindsOfMedia, c.Stats().StrayMedia)
}

// TestStreamsGivenUpBelongToNobody is like TestClosedStreamsBelongToNobody, for a second stream that was cancelled before it was opened.
func TestStreamsGivenUpBelongToNobody(t *testing.T) {
	asked := make(chan struct{})
	c, s := playingFirst(t, func(p *peer) {
		p.AcceptStream(2)
		p.Expect("play")
		close(asked)
		p.Expect("deleteStream")
		p.mediaOn(2, "B")
		p.endsOn(2)
		p.mediaOn(1, "A")
		p.StatusOn(1, "NetStream.Play.Stop")
	})
	ctx, cancel := context.WithCancel(conntest.Context(t))
	go func() { <-asked; cancel() }()
	_, err := c.CreateStream(ctx, nil)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, "AAAA", spoken(t, s))
	assert.EqualValues(t, kindsOfMedia, c.Stats().StrayMedia)
}

func TestStreamIDIsGivenOutAgain(t *testing.T) {
	c, first := playingFirst(t, func(p *peer) {
		p.giveStream(2)
		p.Expect("deleteStream")
		p.mediaOn(2, "B")
		p.giveStream(2)
		p.mediaOn(2, "C")
		p.mediaOn(1, "A")
		p.endsOn(2)
		p.StatusOn(1, "NetStream.Play.Stop")
	})
	closeSecond(t, c)
	third, err := c.CreateStream(conntest.Context(t), nil)
	require.NoError(t, err)
	assert.Equal(t, "AAAA", spoken(t, first))
	var p Packet
	require.NoError(t, third.ReadPacket(&p))
	assert.Equal(t, "C", string(p.Body))
	assert.EqualValues(t, kindsOfMedia, c.Stats().StrayMedia)
}

// TestStreamIDGivenOutTwice checks a server that assigns the id of an open stream again. The second CreateStream must fail, and the first
// stream must remain usable.
func TestStreamIDGivenOutTwice(t *testing.T) {
	next := make(chan string, 1)
	c, s := playingFirst(t, func(p *peer) {
		p.AcceptStream(1)
		if cmd := p.NextCommand(); cmd != nil {
			next <- cmd.Name
		}
		p.mediaOn(1, "A")
		p.StatusOn(1, "NetStream.Play.Stop")
	})
	_, err := c.CreateStream(conntest.Context(t), nil)
	var refused *StatusError
	require.ErrorAs(t, err, &refused)
	assert.ErrorContains(t, err, "twice")
	_, err = c.Call(conntest.Context(t), "something else")
	require.NoError(t, err)
	assert.Equal(t, "something else", <-next)
	assert.Equal(t, "AAAA", spoken(t, s))
}

// TestRefusedStreamZero checks that a refused stream with the id 0 is removed from the table, and that the id 0 does not count as closed.
func TestRefusedStreamZero(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.AcceptStream(0)
		p.Expect("play")
		p.StatusOn(0, "NetStream.Play.StreamNotFound")
		p.giveStream(1)
		p.mediaOn(1, "A")
		p.mediaOn(0, "0")
		p.StatusOn(0, "NetStream.Play.Stop")
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	_, err := c.CreateStream(conntest.Context(t), nil)
	var refused *StatusError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "NetStream.Play.StreamNotFound", refused.Code)
	require.Empty(t, c.client.Load().streams.all())
	s, err := c.CreateStream(conntest.Context(t), nil)
	require.NoError(t, err)
	assert.Equal(t, "AAAA0000", spoken(t, s))
}

func TestClosedIDsAreBounded(t *testing.T) {
	var table streamTable
	open := &Stream{streamState: &streamState{id: 7}}
	require.NoError(t, table.add(open))
	for id := range uint32(3 * maxClosedIDs) {
		table.giveUp(id) // has no effect, since stream 7 is open
		table.giveUp(id)
	}
	require.Len(t, table.closed, maxClosedIDs)
	assert.Nil(t, table.of(3*maxClosedIDs-1))
	assert.Equal(t, open, table.of(7))
	assert.Equal(t, open, table.of(0))
	assert.Equal(t, open, table.of(1), "forgotten")
	table.remove(open)
	assert.Nil(t, table.of(7))
}
