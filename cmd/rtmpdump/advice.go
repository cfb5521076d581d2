package main

import "github.com/go-librtmp/rtmp/cmd/internal/hint"

// advice names the command's options in errors and logs.
var advice = hint.Replacer(
	"SWFVerify", "--swfVfy",
	"SWFHash", "--swfhash",
	"SWFSize", "--swfsize",
	", or SWFURL", ", or --swfVfy", // whose value is the URL
	"SWFURL", "swfUrl", // an option of --url
	": set Token", ": set --token",
	": check Token", ": check --token",
	"option Proxy", "option --proxy or --socks",
	"try NoEnhanced", "try without --enhanced",
)
