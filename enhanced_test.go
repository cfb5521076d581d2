package rtmp

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

func TestConnectAnnouncesEnhancedRTMP(t *testing.T) {
	connects := make(chan *message.Command, 1)
	connect := func(o *Options) amf.Object {
		url := newPeer(t, func(p *peer) {
			connects <- p.AcceptConnect()
			p.UntilGone()
		})
		dialed(t, url, o)
		return (<-connects).Object.(amf.Object)
	}
	value := func(o amf.Object, name string) any {
		v, _ := o.Get(name)
		return v
	}
	player := connect(nil)
	assert.Equal(t, []any{"avc1", "hvc1", "vvc1", "vp08", "vp09", "av01", "mp4a", "Opus", "fLaC", ".mp3", "ac-3", "ec-3"},
		value(player, "fourCcList"))
	assert.Equal(t, 5.0, value(value(player, "videoFourCcInfoMap").(amf.Object), "hvc1"), "decodes and forwards")
	assert.Equal(t, 5.0, value(value(player, "audioFourCcInfoMap").(amf.Object), "Opus"))
	assert.Equal(t, 14.0, value(player, "capsEx"), "all but reconnecting")
	publisher := connect(&Options{Publish: true})
	assert.Equal(t, 6.0, value(value(publisher, "videoFourCcInfoMap").(amf.Object), "hvc1"), "encodes and forwards")
	silent := connect(&Options{NoEnhanced: true})
	for _, name := range []string{"fourCcList", "videoFourCcInfoMap", "audioFourCcInfoMap", "capsEx"} {
		assert.Nil(t, value(silent, name), name)
	}
	mine := connect(&Options{ConnectFields: amf.Object{{Name: "capsEx", Value: 1.0}, {Name: "mine", Value: "x"}}})
	assert.Equal(t, 1.0, value(mine, "capsEx"), "replaced")
	assert.Equal(t, "x", value(mine, "mine"))
}

func TestCapabilities(t *testing.T) {
	for name, test := range map[string]struct {
		properties, information amf.Object
		want                    Capabilities
		hevc, opus              CodecSupport
	}{
		"legacy": {},
		"in the properties, in other letters, as an ECMA array": {
			properties: amf.Object{{Name: "CapsEx", Value: 3.0}, {Name: "fourcclist", Value: []any{"hvc1", 7.0}},
				{Name: "videoFourCcInfoMap", Value: amf.ECMAArray{{Name: "hvc1", Value: 2.0}, {Name: "av01", Value: "x"}}}},
			want: Capabilities{FourCCs: []string{"hvc1"}, Video: map[string]CodecSupport{"hvc1": CanEncode, "av01": 0},
				Extensions: ExtReconnect | ExtMultitrack},
			hevc: CanDecode | CanEncode,
		},
		"all of them": {
			information: amf.Object{{Name: "videoFourCcInfoMap", Value: amf.Object{{Name: "*", Value: 4.0}, {Name: "hvc1", Value: 1.0}}},
				{Name: "audioFourCcInfoMap", Value: amf.Object{{Name: "*", Value: 4.0}}}},
			want: Capabilities{Video: map[string]CodecSupport{"*": CanForward, "hvc1": CanDecode},
				Audio: map[string]CodecSupport{"*": CanForward}},
			hevc: CanDecode | CanForward, opus: CanForward,
		},
		"nonsense": {
			properties: amf.Object{{Name: "capsEx", Value: math.NaN()}, {Name: "fourCcList", Value: "hvc1"},
				{Name: "videoFourCcInfoMap", Value: 1.0}, {Name: "audioFourCcInfoMap", Value: amf.Object{{Name: "Opus", Value: -1.0}}}},
			want: Capabilities{Video: map[string]CodecSupport{}, Audio: map[string]CodecSupport{"Opus": 0}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				cmd := p.Expect("connect")
				p.Call(0, "_result", cmd.TransactionID, test.properties, append(test.information,
					amf.Property{Name: "code", Value: "NetConnection.Connect.Success"}))
				p.UntilGone()
			})
			c, err := New(url, nil)
			assert.NoError(t, err)
			defer c.Close()
			assert.Equal(t, Capabilities{}, c.Capabilities(), "before Connect")
			k, err := c.Connect(conntest.Context(t))
			assert.NoError(t, err)
			_, err = k.Result(conntest.Context(t))
			assert.NoError(t, err)
			got := c.Capabilities()
			assert.Equal(t, test.want, got)
			assert.Equal(t, test.hevc, got.VideoSupport(flv.FourCCHEVC))
			assert.Equal(t, test.opus, got.AudioSupport(flv.FourCCOpus))
		})
	}
}
