package rtmp

import (
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/capturefile"
)

// recorded returns nc or, if Options.Capture is set, a connection that records the traffic of nc. sent contains the bytes that were sent
// together with the handshake.
func (s settings) recorded(nc net.Conn, result *handshake.Result, sent []byte, log *slog.Logger) net.Conn {
	if s.opts.Capture == nil {
		return nc
	}
	info := s.captureInfo()
	info.Handshake = capturefile.HandshakeOf(result)
	if local := nc.LocalAddr(); local != nil {
		info.Client = local.String()
	}
	r := capturefile.NewRecorder(s.opts.Capture, info, s.secrets())
	r.Record(capturefile.FromClient, time.Now(), sent)
	return r.Conn(nc, func(err error) { captureEnded(log, err) })
}

// recordFailure records that connecting has failed.
func (s settings) recordFailure(failed error, log *slog.Logger) {
	if s.opts.Capture != nil {
		captureEnded(log, capturefile.NewRecorder(s.opts.Capture, s.captureInfo(), nil).Close(0, failed.Error()))
	}
}

func (s settings) captureInfo() capturefile.Info {
	return capturefile.Info{Role: capturefile.RoleClient, Transport: s.url.Scheme,
		Server: net.JoinHostPort(s.url.Host, strconv.Itoa(int(s.url.EffectivePort())))}
}

func captureEnded(log *slog.Logger, err error) {
	if err != nil {
		log.Warn("rtmp: the recording of the session is not complete", "error", err)
	}
}
