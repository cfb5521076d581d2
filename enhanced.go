package rtmp

import (
	"strings"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
)

// CodecSupport says what a peer can do with a codec. Its bits are the flags in videoFourCcInfoMap and audioFourCcInfoMap (E-RTMP v2,
// "Enhancing NetConnection connect Command").
type CodecSupport uint32

// These are the flags of CodecSupport.
const (
	CanDecode  CodecSupport = 1
	CanEncode  CodecSupport = 2
	CanForward CodecSupport = 4
)

// Extensions are the flags of capsEx (E-RTMP v2, "Enhancing NetConnection connect Command").
type Extensions uint32

// These are the flags of Extensions.
const (
	ExtReconnect       Extensions = 1 // the peer understands NetConnection.Connect.ReconnectRequest
	ExtMultitrack      Extensions = 2
	ExtModEx           Extensions = 4
	ExtTimestampOffset Extensions = 8 // the ModEx for timestamps in nanoseconds
)

// anyCodec stands for every codec in fourCcList and in the info maps.
const anyCodec = "*"

// Capabilities contains what a server says about Enhanced RTMP in its answer to connect. It is zero for servers that do not support
// Enhanced RTMP, and also for some that do.
type Capabilities struct {
	FourCCs      []string                // the codecs that the server accepts, as in E-RTMP v1; "*" stands for all
	Video, Audio map[string]CodecSupport // support by FourCC; "*" stands for all codecs
	Extensions   Extensions
}

// VideoSupport returns what the server can do with a video codec, or zero if the server has not announced the codec.
func (c Capabilities) VideoSupport(codec flv.FourCC) CodecSupport { return c.support(c.Video, codec) }

// AudioSupport returns what the server can do with an audio codec, or zero if the server has not announced the codec.
func (c Capabilities) AudioSupport(codec flv.FourCC) CodecSupport { return c.support(c.Audio, codec) }

func (c Capabilities) support(of map[string]CodecSupport, codec flv.FourCC) CodecSupport {
	s := of[anyCodec] | of[codec.String()]
	for _, name := range c.FourCCs {
		if name == anyCodec || name == codec.String() {
			s |= CanDecode
		}
	}
	return s
}

// capabilities reads an answer to connect.
func capabilities(reply []any) Capabilities {
	var found Capabilities
	for _, value := range reply {
		for _, p := range amf.Members(value) { // The properties may be in either object of the answer, and in any letter case: Red5 sends CapsEx.
			switch strings.ToLower(p.Name) {
			case "fourcclist":
				list, _ := p.Value.([]any)
				for _, item := range list {
					if name, ok := item.(string); ok {
						found.FourCCs = append(found.FourCCs, name)
					}
				}
			case "videofourccinfomap":
				found.Video = codecSupport(p.Value)
			case "audiofourccinfomap":
				found.Audio = codecSupport(p.Value)
			case "capsex":
				n, _ := p.Value.(float64)
				found.Extensions = Extensions(flags(n))
			}
		}
	}
	return found
}

func codecSupport(value any) map[string]CodecSupport {
	support := make(map[string]CodecSupport)
	for _, p := range amf.Members(value) {
		n, _ := p.Value.(float64)
		support[p.Name] = CodecSupport(flags(n))
	}
	return support
}

// flags converts n to a uint32, or to 0 if n is not a uint32 value.
func flags(n float64) uint32 {
	if n >= 0 && n < 1<<32 {
		return uint32(n)
	}
	return 0
}

var (
	videoFourCCs = []flv.FourCC{flv.FourCCAVC, flv.FourCCHEVC, flv.FourCCVVC, flv.FourCCVP8, flv.FourCCVP9, flv.FourCCAV1}
	audioFourCCs = []flv.FourCC{flv.FourCCAAC, flv.FourCCOpus, flv.FourCCFLAC, flv.FourCCMP3, flv.FourCCAC3, flv.FourCCEAC3}
)

// These properties of connect announce Enhanced RTMP. They announce every codec, since the library passes media unchanged, and the
// extensions that package flv can read. (Servers do not send multitrack media to a player that has not announced it.) They do not announce
// reconnecting, which is up to the program. The values must not be modified.
var (
	playerEnhanced    = enhancedProperties(CanDecode | CanForward)
	publisherEnhanced = enhancedProperties(CanEncode | CanForward)
)

func enhancedProperties(support CodecSupport) amf.Object {
	var names []any
	infoMap := func(codecs []flv.FourCC) (object amf.Object) {
		for _, c := range codecs {
			names = append(names, c.String())
			object = append(object, amf.Property{Name: c.String(), Value: float64(support)})
		}
		return object
	}
	video, audio := infoMap(videoFourCCs), infoMap(audioFourCCs)
	return amf.Object{
		{Name: "fourCcList", Value: names},
		{Name: "videoFourCcInfoMap", Value: video},
		{Name: "audioFourCcInfoMap", Value: audio},
		{Name: "capsEx", Value: float64(ExtMultitrack | ExtModEx | ExtTimestampOffset)},
	}
}
