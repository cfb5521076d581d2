package show

import (
	"encoding/json"
	"io"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
)

// JSON writes reports as an array.
func JSON(w io.Writer, reports []*report.Report) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(reports)
}
