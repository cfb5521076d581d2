package rtmp

import (
	"net"
	"strconv"
	"time"

	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/capturefile"
)

// recorded returns nc, recorded to Options.Capture if there is one. sent was sent together with the handshake.
func (k *opener) recorded(nc net.Conn, result *handshake.Result, sent []byte) net.Conn {
	if k.opts.Capture == nil {
		return nc
	}
	info := k.captureInfo()
	info.Handshake = capturefile.HandshakeOf(result)
	if local := nc.LocalAddr(); local != nil {
		info.Client = local.String()
	}
	r := capturefile.NewRecorder(k.opts.Capture, info, k.secrets())
	r.Record(capturefile.FromClient, time.Now(), sent)
	return r.Conn(nc, k.captureEnded)
}

// recordFailure records that no connection came about.
func (k *opener) recordFailure(err error) {
	if k.opts.Capture != nil {
		k.captureEnded(capturefile.NewRecorder(k.opts.Capture, k.captureInfo(), nil).Close(0, err.Error()))
	}
}

func (k *opener) captureInfo() capturefile.Info {
	return capturefile.Info{Role: capturefile.RoleClient, Transport: k.url.Scheme,
		Server: net.JoinHostPort(k.url.Host, strconv.Itoa(int(k.url.EffectivePort())))}
}

func (k *opener) captureEnded(err error) {
	if err != nil {
		k.log.Warn("rtmp: the recording of the session is not complete", "error", err)
	}
}
