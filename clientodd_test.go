package rtmp

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

func rawCommand(name string, rest ...byte) []byte {
	return append(amf.AppendString(nil, name), rest...)
}

func amfValues(values ...any) []byte {
	b, err := amf.AppendAMF0(nil, values...)
	if err != nil {
		panic(err)
	}
	return b
}

var number0 = make([]byte, 9) // number0 is the AMF0 number 0

// unknownClass is an AMF3 value of an unknown externalizable class, inside AMF0.
var unknownClass = append([]byte{0x11, 0x0A, 0x07, 0x09}, "what"...)

func TestOddMessagesAreSkipped(t *testing.T) {
	deep := rawCommand("odd", number0...)
	for range 1000 {
		deep = append(deep, 3, 0, 1, 'a')
	}
	for name, test := range map[string]struct {
		t    message.Type
		body []byte
	}{
		"empty command":               {message.TypeCommandAMF0, nil},
		"empty command of AMF3":       {message.TypeCommandAMF3, []byte{0}},
		"null for a name":             {message.TypeCommandAMF0, []byte{5}},
		"name without an id":          {message.TypeCommandAMF0, rawCommand("onBWDone")},
		"null for an id":              {message.TypeCommandAMF0, rawCommand("onBWDone", 5)},
		"undefined for an id":         {message.TypeCommandAMF0, rawCommand("onBWDone", 6, 5)},
		"text for an id":              {message.TypeCommandAMF0, rawCommand("onBWDone", amfValues("0", nil)...)},
		"answer with null for an id":  {message.TypeCommandAMF0, rawCommand("_result", 5)},
		"garbage after a command":     {message.TypeCommandAMF0, rawCommand("onBWDone", append(amfValues(0.0, nil), 0x99)...)},
		"values nested too deep":      {message.TypeCommandAMF0, deep},
		"4 billion elements":          {message.TypeCommandAMF0, rawCommand("odd", append(amfValues(0.0, nil), 10, 0xFF, 0xFF, 0xFF, 0xFF)...)},
		"unknown externalizable":      {message.TypeCommandAMF3, append([]byte{0}, rawCommand("odd", append(amfValues(0.0, nil), unknownClass...)...)...)},
		"user control of 0 bytes":     {message.TypeUserControl, nil},
		"user control of 1 byte":      {message.TypeUserControl, []byte{0}},
		"window of 3 bytes":           {message.TypeWindowAckSize, []byte{0, 1, 2}},
		"bandwidth of 0 bytes":        {message.TypeSetPeerBandwidth, nil},
		"unreadable shared object":    {message.TypeSharedObjectAMF0, []byte{0xFF}},
		"shared object without AMF 0": {message.TypeSharedObjectAMF3, []byte{3}},
	} {
		t.Run(name, func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				p.AcceptPlayer()
				p.Control(test.t, test.body)
				p.sendMedia()
				p.Status("NetStream.Play.Stop")
				p.UntilGone()
			})
			c, s := playing(t, url, nil)
			_, err := io.Copy(io.Discard, s)
			require.NoError(t, err)
			require.NoError(t, c.Err())
			require.EqualValues(t, 1, c.Stats().BadData)
		})
	}
}

// TestOddCommandsAreObeyed checks that a transaction id that is not a number counts as 0, and that the values before garbage are used.
func TestOddCommandsAreObeyed(t *testing.T) {
	stop := message.StatusObject("status", "NetStream.Play.Stop", "")
	for name, body := range map[string][]byte{
		"null":      rawCommand("onStatus", amfValues(nil, nil, stop)...),
		"undefined": rawCommand("onStatus", amfValues(amf.Undefined, nil, stop)...),
		"text":      rawCommand("onStatus", amfValues("", nil, stop)...),
		"garbage":   rawCommand("onStatus", append(amfValues(0.0, nil, stop), 0x99, 1, 2)...),
	} {
		t.Run("onStatus, "+name, func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				p.AcceptPlayer()
				p.Control(message.TypeCommandAMF0, body)
				p.UntilGone()
			})
			_, s := playing(t, url, nil)
			_, err := s.Read(make([]byte, 1))
			require.Equal(t, io.EOF, err)
		})
	}
	for name, rest := range map[string][]byte{
		"no id":     nil,
		"null":      amfValues(nil, nil),
		"undefined": amfValues(amf.Undefined, nil),
		"garbage":   append(amfValues(0.0), 0x99),
	} {
		t.Run("onBWDone, "+name, func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				p.AcceptConnect()
				p.Control(message.TypeCommandAMF0, rawCommand("onBWDone", rest...))
				if p.Expect("_checkbw") != nil {
					p.Call(0, "checked", 0, nil)
				}
				p.UntilGone()
			})
			_, err := dialed(t, url, nil).WaitInvoke(conntest.Context(t), "checked")
			require.NoError(t, err)
		})
	}
}
