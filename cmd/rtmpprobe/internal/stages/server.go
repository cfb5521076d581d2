package stages

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/message"
)

const (
	// maxProperties bounds the properties of connect's answer that are kept.
	maxProperties = 32
	// maxProperty bounds the length of each, in bytes.
	maxProperty = 60
)

// extensions are the flags of capsEx (E-RTMP v2).
var extensions = []struct {
	flag rtmp.Extensions
	name string
}{
	{rtmp.ExtReconnect, "reconnect"}, {rtmp.ExtMultitrack, "multitrack"}, {rtmp.ExtModEx, "ModEx"}, {rtmp.ExtTimestampOffset, "nanoseconds"},
}

// recordServer records what the server says about itself when it accepts connect, and returns a summary.
func (b *Builder) recordServer(cmd *message.Command) string {
	s := &b.report.Server
	s.Properties = make(map[string]string)
	for _, value := range append([]any{cmd.Object}, cmd.Args...) {
		b.properties(value, 0)
	}
	s.Software = software(s.Properties, s.FMSVer)
	var parts []string
	if s.FMSVer != "" {
		parts = append(parts, s.FMSVer)
	}
	if s.Software != "" {
		parts = append(parts, "which may be "+s.Software)
	}
	if s.Capabilities != 0 {
		parts = append(parts, "capabilities "+number(s.Capabilities))
	}
	parts = append(parts, fmt.Sprintf("AMF%g", s.ObjectEncoding))
	if len(s.Enhanced) > 0 {
		parts = append(parts, "Enhanced RTMP ("+strings.Join(s.Enhanced, " ")+")")
	} else {
		parts = append(parts, "Enhanced RTMP not mentioned")
	}
	return strings.Join(parts, ", ")
}

func (b *Builder) properties(value any, depth int) {
	s := &b.report.Server
	for _, p := range amf.Members(value) {
		switch v := p.Value.(type) {
		case string:
			if p.Name == "fmsVer" {
				s.FMSVer = quote.Text(b.mask(v), maxProperty)
			}
			b.keep(p.Name, quote.Text(b.mask(v), maxProperty))
		case float64:
			b.number(p.Name, v)
			b.keep(p.Name, number(v))
		case []any:
			if strings.EqualFold(p.Name, "fourCcList") {
				b.codecs(v)
			}
		case amf.Object, amf.ECMAArray:
			if strings.HasSuffix(strings.ToLower(p.Name), "fourccinfomap") {
				b.infoMap(v)
			} else if depth == 0 { // the object "data", in which some servers identify themselves
				b.properties(v, depth+1)
			}
		}
	}
}

func (b *Builder) number(name string, n float64) {
	if math.IsNaN(n) || math.IsInf(n, 0) { // JSON has no such numbers
		return
	}
	s := &b.report.Server
	switch strings.ToLower(name) {
	case "capabilities":
		s.Capabilities = n
	case "objectencoding":
		s.ObjectEncoding = n
	case "capsex":
		if n < 0 || n >= 1<<32 {
			return
		}
		for _, e := range extensions {
			if uint32(n)&uint32(e.flag) != 0 {
				b.enhanced(e.name)
			}
		}
	}
}

func (b *Builder) codecs(list []any) {
	for _, item := range list {
		if name, ok := item.(string); ok {
			b.enhanced(name)
		}
	}
}

func (b *Builder) infoMap(value any) {
	for _, p := range amf.Members(value) {
		b.enhanced(p.Name)
	}
}

func (b *Builder) enhanced(name string) {
	s := &b.report.Server
	if name = quote.Text(b.mask(name), maxProperty); len(s.Enhanced) < maxProperties && !slices.Contains(s.Enhanced, name) {
		s.Enhanced = append(s.Enhanced, name)
	}
}

func (b *Builder) keep(name, text string) {
	switch name {
	case "level", "code", "description", "clientid", "":
		return
	}
	if s := b.report.Server.Properties; len(s) < maxProperties {
		s[quote.Text(b.mask(name), maxProperty)] = text
	}
}

// software guesses the server software from these properties.
func software(properties map[string]string, fmsVer string) string {
	for name, value := range properties {
		if name == "srs_version" || name == "srs_server" {
			return "SRS " + value
		}
	}
	for _, known := range []struct{ fmsVer, name string }{
		{"RED5", "Red5"}, {"LNX 9,0,124,2", "MediaMTX, or another with gortmplib"}, {"FMS/3,0,1,123", "nginx-rtmp, ffmpeg, SRS or lal"},
		{"FMS/3,5,7,7009", "Wowza, or this library's server"}, {"FMS/5", "Adobe Media Server"}, {"FMS/4", "Flash Media Server"},
	} {
		if strings.HasPrefix(fmsVer, known.fmsVer) {
			return known.name
		}
	}
	return ""
}
