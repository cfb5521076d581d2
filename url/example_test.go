package url_test

import (
	"fmt"

	rtmpurl "github.com/go-librtmp/rtmp/url"
)

func ExampleParse() {
	u, err := rtmpurl.Parse("rtmp://media.example.com/vod/_definst_/films/one.mp4?token=1")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(u.Host, u.EffectivePort())
	fmt.Println(u.App)
	fmt.Println(u.Playpath)
	fmt.Println(u.TCURL(""))
	// Output:
	// media.example.com 1935
	// vod/_definst_/films
	// mp4:one?token=1
	// rtmp://media.example.com/vod/_definst_/films
}

func ExampleSplitOptions() {
	rawURL, options, err := rtmpurl.SplitOptions(`rtmp://media.example.com/live/cam live=1 flashVer=WIN\2011,5,502,146`)
	fmt.Println(rawURL, err)
	for _, o := range options {
		fmt.Printf("%s: %s\n", o.Name, o.Value)
	}
	// Output:
	// rtmp://media.example.com/live/cam <nil>
	// live: 1
	// flashVer: WIN 11,5,502,146
}
