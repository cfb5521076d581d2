package main

import "strings"

// advice replaces the names of the library's options in errors and logs by those of the command's.
var advice = strings.NewReplacer(
	"SWFVerify", "--swfVfy",
	"SWFHash", "--swfhash",
	"SWFSize", "--swfsize",
	", or SWFURL", ", or --swfVfy", // whose value is the URL
	"SWFURL", "swfUrl", // an option of --url
	": set Token", ": set --token",
	": check Token", ": check --token",
	", or set PublishUser and PublishPassword", "", // rtmpdump does not publish
	"option Proxy", "option --proxy",
	"try NoEnhanced", "try without --enhanced",
)
