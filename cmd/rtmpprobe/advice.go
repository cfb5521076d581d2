package main

import "github.com/go-librtmp/rtmp/cmd/internal/hint"

// optionNames names the command's options, and those that may follow a URL, in errors.
var optionNames = hint.Replacer(
	"set SWFVerify, or SWFHash and SWFSize", "append swfUrl=URL swfVfy=1 to the argument",
	"check SWFHash and SWFSize, or SWFURL", "check swfUrl",
	": set Token", ": append token=KEY to the argument",
	": check Token", ": check token",
	"option Proxy", "option --proxy",
	"try NoEnhanced", "try --no-enhanced",
)
