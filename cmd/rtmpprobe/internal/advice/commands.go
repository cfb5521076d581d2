package advice

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/online"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/internal/quote"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// Placeholders for secrets in command lines. On many servers, whoever knows a stream's name can publish it.
const (
	streamPlaceholder = "STREAM"
	keyPlaceholder    = "STREAM_KEY"
	tokenPlaceholder  = "TOKEN"
	userPlaceholder   = "USER:PASSWORD"
)

// Commands returns the settings for other programs. Secrets are replaced by placeholders.
func Commands(o online.Options) []report.Command {
	u, err := rtmp.ParseURL(o.Plain())
	if err != nil {
		return nil
	}
	w := words{u: u, o: o}
	if o.Publish {
		return []report.Command{
			{Program: "ffmpeg", Lines: []string{w.ffmpegPublish()}},
			{Program: "OBS", Lines: w.obs()},
		}
	}
	return []report.Command{
		{Program: "rtmpdump", Lines: []string{w.rtmpdump()}},
		{Program: "ffmpeg", Lines: []string{w.ffmpegPlay()}},
		{Program: "OBS", Lines: []string{"Media Source, Local File off, Input: " + w.url()}},
	}
}

type words struct {
	u *rtmpurl.URL
	o online.Options
}

func withoutToken(s string) string {
	if plain, _, found := strings.Cut(s, "?"); found {
		return plain + "?" + tokenPlaceholder
	}
	return s
}

func (w words) app() string {
	app := w.u.App
	if w.o.RTMP.App != "" {
		app = w.o.RTMP.App
	}
	return withoutToken(app)
}

func (w words) playpath() string {
	if w.o.Publish {
		return keyPlaceholder
	}
	return streamPlaceholder
}

func (w words) subscribe() string {
	if w.o.RTMP.Subscribe == "" {
		return ""
	}
	return streamPlaceholder
}

// flashVer returns connect's flashVer if it differs from other programs' default, or "".
func (w words) flashVer() string {
	if o := w.o.RTMP; o.FlashVer == "" && o.Publish && !w.o.Publish {
		return fmleFlashVer
	}
	return w.o.RTMP.FlashVer
}

// fmleFlashVer is package rtmp's flashVer if Options.Publish is set.
const fmleFlashVer = "FMLE/3.0 (compatible; FMSc/1.0)"

func (w words) server() string {
	user := ""
	if w.u.User != "" {
		user = userPlaceholder + "@"
	}
	return w.u.Scheme + "://" + user + w.u.Authority() + "/" + w.app()
}

func (w words) url() string { return w.server() + "/" + w.playpath() }

func (w words) rtmpdump() string {
	args := []string{"rtmpdump", "-r", w.server(), "-y", w.playpath()}
	o := w.o.RTMP
	for _, option := range []struct{ name, value string }{
		{"-a", o.App}, {"-t", o.TCURL}, {"-s", o.SWFURL}, {"-p", o.PageURL}, {"-f", w.flashVer()}, {"-d", w.subscribe()},
	} {
		if option.value != "" {
			args = append(args, option.name, withoutToken(option.value))
		}
	}
	if len(o.SWFHash) > 0 { // implies the handshake with a digest, which ffmpeg always uses
		args = append(args, "-w", hex.EncodeToString(o.SWFHash), "-x", strconv.Itoa(int(o.SWFSize)))
	}
	if o.Live {
		args = append(args, "--live")
	}
	return shell(append(args, "-o", "stream.flv"))
}

func (w words) ffmpegOptions() (args []string) {
	o := w.o.RTMP
	for _, option := range []struct{ name, value string }{
		{"-rtmp_app", o.App}, {"-rtmp_tcurl", o.TCURL}, {"-rtmp_swfurl", o.SWFURL}, {"-rtmp_pageurl", o.PageURL}, {"-rtmp_flashver", w.flashVer()},
		{"-rtmp_subscribe", w.subscribe()},
	} {
		if option.value != "" {
			args = append(args, option.name, withoutToken(option.value))
		}
	}
	if o.App != "" {
		args = append(args, "-rtmp_playpath", w.playpath())
	}
	return args
}

func (w words) ffmpegPlay() string {
	args := append([]string{"ffmpeg"}, w.ffmpegOptions()...)
	if w.o.RTMP.Live {
		args = append(args, "-rtmp_live", "live")
	}
	return shell(append(args, "-i", w.url(), "-c", "copy", "stream.mkv"))
}

func (w words) ffmpegPublish() string {
	args := append([]string{"ffmpeg", "-re", "-i", "input.mp4", "-c", "copy", "-f", "flv"}, w.ffmpegOptions()...)
	return shell(append(args, w.url()))
}

func (w words) obs() []string {
	lines := []string{"Service: Custom", "Server: " + w.server(), "Stream Key: " + keyPlaceholder, "Output, Keyframe Interval: 2 s"}
	if w.u.User != "" {
		lines[1] = "Server: " + w.u.Scheme + "://" + w.u.Authority() + "/" + w.app()
		lines = append(lines, "Use authentication: the user and the password")
	}
	return lines
}

func shell(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		arg = quote.Text(arg, 500)
		if strings.IndexFunc(arg, unsafeRune) >= 0 || arg == "" {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		quoted[i] = arg
	}
	return strings.Join(quoted, " ")
}

func unsafeRune(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_./:=@%+,", r)
}
