// Command lal runs the server of github.com/q191201771/lal. It serves RTMP at -listen, and writes FLV recordings to -record.
package main

import (
	"encoding/json"
	"flag"
	"log"

	"github.com/q191201771/lal/pkg/base"
	"github.com/q191201771/lal/pkg/logic"
)

type object = map[string]any

func main() {
	listen := flag.String("listen", "127.0.0.1:1935", "address")
	record := flag.String("record", "", "`folder` of recordings; if empty, nothing is recorded")
	flag.Parse()
	config, err := json.Marshal(object{
		"conf_version": base.ConfVersion,
		"rtmp":         object{"enable": true, "addr": *listen},
		"record":       object{"enable_flv": *record != "", "flv_out_path": *record + "/"},
		"log":          object{"level": 5, "is_to_stdout": true},
	})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(logic.NewLalServer(func(o *logic.Option) { o.ConfRawContent = config }).RunLoop())
}
