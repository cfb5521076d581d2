module github.com/go-librtmp/rtmp/examples/ts

go 1.25.0

replace github.com/go-librtmp/rtmp => ../../

require (
	github.com/bluenviron/gohlslib/v2 v2.2.2
	github.com/go-librtmp/rtmp v0.0.0-00010101000000-000000000000
)

require (
	github.com/abema/go-mp4 v1.4.1 // indirect
	github.com/asticode/go-astikit v0.30.0 // indirect
	github.com/asticode/go-astits v1.13.0 // indirect
	github.com/bluenviron/mediacommon/v2 v2.4.0 // indirect
	github.com/google/uuid v1.3.0 // indirect
	github.com/ulikunitz/xz v0.5.15 // indirect
	golang.org/x/crypto v0.45.0 // indirect
	golang.org/x/net v0.47.0 // indirect
	golang.org/x/sys v0.38.0 // indirect
	golang.org/x/text v0.31.0 // indirect
)
