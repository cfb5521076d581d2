// Package web serves a web page that lists the live streams and the recordings of an rtmpserver, and plays them in
// the browser.
package web

import (
	"embed"
	"io/fs"
	"net/http"

	"github.com/go-librtmp/rtmp/server"
)

// Options are the options of the page.
type Options struct {
	Server *server.Server
	Dir    string // folder of the recordings, Files.Dir of the server's apps; "" means that there are none
}

// assets contains the page.
//
//go:embed page
var assets embed.FS

// policy is the content security policy of the page. It allows the page's own scripts, style sheet, icon and data, and the media that the
// scripts have fetched. It forbids everything else, and also showing the page in a frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; media-src blob:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// New returns a handler of
//
//	/                     the page, and its script and style sheet
//	/api/streams          the live streams and the recordings, as JSON
//	/fmp4/app/name.mp4    a live stream or a recording as fragmented MP4; ?start= gives the position in a recording, in seconds
//
// A client of the handler can see the names of all streams.
func New(o Options) http.Handler {
	page, err := fs.Sub(assets, "page")
	if err != nil {
		panic(err) // impossible, since the folder is embedded
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(page))
	mux.Handle("GET /api/streams", &lister{server: o.Server, recordings: &shelf{dir: o.Dir}})
	mux.Handle("GET /fmp4/", http.StripPrefix("/fmp4", o.Server.ViewHandler(".mp4", "fmp4", newFeeds(o.Server).view)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		mux.ServeHTTP(w, r)
	})
}
