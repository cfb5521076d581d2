package online

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"strconv"
	"strings"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/event"
)

func (t *tracer) trace() *rtmp.Trace {
	return &rtmp.Trace{
		Connecting: func(enhanced bool, _ rtmp.Pipelining) {
			t.mu.Lock()
			t.attempts++
			text := ""
			if t.attempts > 1 {
				text = "once more"
				if !enhanced {
					text += ", without announcing Enhanced RTMP"
				}
			}
			t.mu.Unlock()
			t.add(&event.Event{Kind: event.Attempt, Text: text})
		},
		HandshakeStart: func() { t.add(&event.Event{Kind: event.HandshakeStart}) },
		HandshakeDone: func(info rtmp.HandshakeInfo, err error) {
			t.add(&event.Event{Kind: event.HandshakeDone, Handshake: info, Err: err})
		},
		Sent:     func(p *rtmp.Packet) { t.add(&event.Event{Kind: event.Message, Sent: true, Packet: p}) },
		Received: func(p *rtmp.Packet) { t.add(&event.Event{Kind: event.Message, Packet: p}) },
	}
}

func (t *tracer) context(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(info httptrace.DNSStartInfo) {
			t.mu.Lock()
			t.resolved = info.Host
			t.mu.Unlock()
			t.add(&event.Event{Kind: event.Resolving, Text: info.Host})
		},
		DNSDone: func(info httptrace.DNSDoneInfo) {
			var addrs []string
			for _, addr := range info.Addrs {
				addrs = append(addrs, addr.String())
			}
			t.add(&event.Event{Kind: event.Resolved, Text: strings.Join(addrs, ", "), Err: info.Err})
		},
		ConnectStart: func(_, addr string) { t.add(&event.Event{Kind: event.Dialling, Text: addr, Proxy: t.isProxy(addr)}) },
		ConnectDone: func(_, addr string, err error) {
			t.add(&event.Event{Kind: event.Dialled, Text: addr, Err: err, Proxy: t.isProxy(addr)})
		},
		TLSHandshakeStart: func() { t.add(&event.Event{Kind: event.TLSStart}) },
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			t.add(&event.Event{Kind: event.TLSDone, TLS: &state, Err: err})
		},
		WroteRequest:         func(info httptrace.WroteRequestInfo) { t.add(&event.Event{Kind: event.Asked, Err: info.Err}) },
		GotFirstResponseByte: func() { t.add(&event.Event{Kind: event.Answered}) },
	})
}

func (t *tracer) isProxy(addr string) bool {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return port != strconv.Itoa(int(t.port)) || host != t.host && t.resolved != t.host
}
