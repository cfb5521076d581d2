package rtmp

import "github.com/go-librtmp/rtmp/amf"

// How the bodies of data messages begin.
var (
	// onMetaDataPrefix is metadata's name.
	onMetaDataPrefix = amf.AppendString(nil, "onMetaData")
	// setDataFrame goes in front of metadata that a server is to keep for those who come later.
	setDataFrame = amf.AppendString(nil, "@setDataFrame")
)
