package rtmp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/download"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/swf"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// This list is the public API. If it no longer compiles, existing programs break: add entries, but never remove or change one.

var (
	_ func(string, *rtmp.Options) (*rtmp.Conn, error)                                      = rtmp.New
	_ func(context.Context, string, *rtmp.Options) (*rtmp.Conn, error)                     = rtmp.Dial
	_ func(string) (*rtmpurl.URL, error)                                                   = rtmp.ParseURL
	_ func(any) rtmp.HandlerFunc                                                           = rtmp.Func
	_ func(context.Context) *rtmp.Conn                                                     = rtmp.FromContext
	_ func(context.Context, string, *swf.Options) ([]byte, uint32, error)                  = swf.Hash
	_ func(context.Context, string, string, *download.Options) (download.Result, error)    = download.File
	_ func(context.Context, string, io.Writer, *download.Options) (download.Result, error) = download.To
	_ func(amf.Object, string) (any, bool)                                                 = amf.Object.Get
	_ func(amf.ECMAArray, string) (any, bool)                                              = amf.ECMAArray.Get
	_ rtmp.HandlerFunc                                                                     = func(context.Context, []any) (any, error) { return nil, nil }
	_ *message.Packet                                                                      = (*rtmp.Packet)(nil)
	_ *message.StatusError                                                                 = (*rtmp.StatusError)(nil)
	_ *message.ProtocolError                                                               = (*rtmp.ProtocolError)(nil)
	_ *message.PanicError                                                                  = (*rtmp.PanicError)(nil)
	_                                                                                      = [...]rtmp.ReconnectPolicy{rtmp.FollowSameHost, rtmp.FollowNone, rtmp.FollowAny}
	_                                                                                      = [...]string{rtmp.StageDial, rtmp.StageProxy, rtmp.StageTLS, rtmp.StageTunnel, rtmp.StageSWF, rtmp.StageRTMP, rtmp.StageRTMPE,
		rtmp.StageConnect}
	_ = [...]string{message.CodeConnectSuccess, message.CodePlayStreamNotFound}
	_ = [...]chunk.Format{chunk.Format0, chunk.Format1, chunk.Format2, chunk.Format3}
	_ = amf.Property{Name: "", Value: nil}
	_ = download.Options{Sync: true}
)

var _ interface {
	Options() *rtmp.Options
	SetOption(name, value string) error
	SetupURL(rawURL string) error
	Connect(ctx context.Context) (*rtmp.Call, error)
	ConnectPacket(ctx context.Context, p *rtmp.Packet) (*rtmp.Call, error)
	ConnectReply() []any
	Capabilities() rtmp.Capabilities
	CreateStream(ctx context.Context, opts *rtmp.StreamOptions) (*rtmp.Stream, error)
	Call(ctx context.Context, method string, args ...any) (*rtmp.Call, error)
	CallWith(ctx context.Context, o rtmp.CallOptions, method string, args ...any) (*rtmp.Call, error)
	RemoteMethod(method string) func(ctx context.Context, args ...any) (any, error)
	InvokeHandler(method string, h rtmp.HandlerFunc)
	ProcessPackets(ctx context.Context) error
	WaitInvoke(ctx context.Context, method string) ([]any, error)
	ReadPacket(ctx context.Context, p *rtmp.Packet) error
	HandlePacket(ctx context.Context, p *rtmp.Packet) error
	SendPacket(ctx context.Context, p *rtmp.Packet) error
	SharedObject(ctx context.Context, name string, persistent bool) (*rtmp.SharedObject, error)
	Follow(tcURL string) (rawURL string, o *rtmp.Options, err error)
	Connected() bool
	Err() error
	Done() <-chan struct{}
	Stats() rtmp.Stats
	Close() error
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
} = (*rtmp.Conn)(nil)

var _ interface {
	io.ReadWriteCloser
	io.WriterTo
	io.ReaderFrom
	ReadPacket(p *rtmp.Packet) error
	WritePacket(p *rtmp.Packet) error
	WriteData(name string, args ...any) error
	Ready() bool
	Pause(ctx context.Context) error
	Unpause(ctx context.Context) error
	Seek(ctx context.Context, to time.Duration) error
	UpdateBuffer(ctx context.Context, d time.Duration) error
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
	Bind(ctx context.Context) (release func())
	Duration() time.Duration
	Metadata() amf.ECMAArray
	ID() uint32
} = (*rtmp.Stream)(nil)

var _ interface {
	Result(ctx context.Context) (any, error)
	Decode(ctx context.Context, dst any) error
	Reply() []any
	TransactionID() float64
} = (*rtmp.Call)(nil)

// These are the fields of the exported types, with their names and types.
var (
	_ = rtmp.Options{
		App: "", Playpath: "", TCURL: "", PageURL: "", SWFURL: "", Auth: "", Subscribe: "", Token: "", UsherToken: "", FlashVer: "",
		ConnectData: []any{}, ConnectFields: amf.Object{}, ObjectEncoding: 0,
		Live: false, Playlist: false, Publish: false, PublishUser: "", PublishPassword: "",
		Start: time.Second, Stop: time.Second, Buffer: time.Second, Timeout: time.Second, MediaTimeout: time.Second,
		SWFHash: []byte{}, SWFSize: 0, SWFVerify: false, SWFAge: time.Second,
		Proxy: "", DialContext: (&net.Dialer{}).DialContext, TLSConfig: &tls.Config{}, HTTPClient: &http.Client{},
		MaxRedirects: 0, FollowReconnect: rtmp.FollowSameHost, ChunkSize: 0, MaxMessageSize: 0, MaxQueue: 0, SendQueue: 0,
		BackgroundRead: false, NoEnhanced: false, Handlers: map[string]rtmp.HandlerFunc{},
		OnStatus: func(*rtmp.Stream, *rtmp.StatusError) {}, Logger: slog.Default(),
		Trace: &rtmp.Trace{Connecting: func(bool, rtmp.Pipelining) {}, HandshakeStart: func() {}, HandshakeDone: func(rtmp.HandshakeInfo, error) {},
			Sent: func(*rtmp.Packet) {}, Received: func(*rtmp.Packet) {}},
	}
	_ = rtmp.StreamOptions{Name: "", Writable: false, PublishType: "", Seek: time.Second, NoBufferUpdate: false}
	_ = rtmp.CallOptions{Object: nil, ChunkStreamID: 0, StreamID: 0, TransactionID: 0, AMF3: false, NoReply: false}
	_ = rtmp.Packet{Type: message.TypeAudio, Format: chunk.Format0, ChunkStreamID: 0, Timestamp: 0, StreamID: 0, Absolute: false,
		Body: []byte{}}
	_               = rtmp.Stats{WithoutEnhanced: false, RTT: time.Second, FirstMedia: time.Second, LastMedia: time.Time{}}
	_               = rtmp.StatusError{Code: "", Level: "", Description: "", Info: nil}
	_               = rtmp.ProtocolError{Phase: "", Detail: "", Value: nil, Err: nil}
	_               = rtmp.PanicError{Value: nil, Stack: []byte{}}
	_               = rtmpurl.URL{Scheme: "", Host: "", Port: 0, App: "", Playpath: ""}
	_ func() string = (&rtmp.Packet{}).Dump
)

func TestErrorsOfTheAPI(t *testing.T) {
	cause := errors.New("cause")
	for _, err := range []error{&rtmp.HandshakeError{Stage: rtmp.StageDial, Err: cause}, &rtmp.OptionError{Name: "n", Value: "v", Err: cause},
		&rtmp.ProtocolError{Phase: "chunk", Err: cause}, &rtmp.PanicError{Value: cause}} {
		assert.ErrorIs(t, err, cause)
	}
	var timeout net.Error = &rtmp.HandshakeError{Stage: rtmp.StageRTMP, Err: os.ErrDeadlineExceeded}
	assert.True(t, timeout.Timeout())
	for _, err := range []error{rtmp.ErrNotConnected, rtmp.ErrNotWritable, rtmp.ErrStreamBacklog} {
		assert.ErrorContains(t, err, "rtmp: ")
	}
}

func TestMessageTypesOfTheAPI(t *testing.T) {
	assert.Equal(t, []message.Type{1, 2, 3, 4, 5, 6, 8, 9, 15, 16, 17, 18, 19, 20, 22}, []message.Type{message.TypeSetChunkSize,
		message.TypeAbort, message.TypeAcknowledgement, message.TypeUserControl, message.TypeWindowAckSize, message.TypeSetPeerBandwidth,
		message.TypeAudio, message.TypeVideo, message.TypeDataAMF3, message.TypeSharedObjectAMF3, message.TypeCommandAMF3,
		message.TypeDataAMF0, message.TypeSharedObjectAMF0, message.TypeCommandAMF0, message.TypeAggregate})
}
