// Package rtmp is a client for RTMP, the protocol of Flash Media Server and of today's live ingest. It plays streams as
// FLV, publishes FLV, calls methods of a server, and serves the methods that a server calls. It connects over TCP, TLS, RTMPE and
// HTTP tunnels (rtmp, rtmps, rtmpe, rtmpt, rtmpts, rtmpte), and through proxies. It does what librtmp and python-librtmp
// do, in pure Go.
//
// Play a stream into a file:
//
//	conn, err := rtmp.Dial(ctx, "rtmp://example.com/vod/sample", nil)
//	...
//	defer conn.Close()
//	stream, err := conn.CreateStream(ctx, nil)
//	...
//	_, err = io.Copy(file, stream)
//
// Publish a file at its own speed:
//
//	conn, err := rtmp.Dial(ctx, "rtmp://example.com/live/key", &rtmp.Options{Publish: true})
//	...
//	stream, err := conn.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
//	...
//	_, err = io.Copy(stream, flv.NewPacedReader(ctx, file, time.Second))
//	...
//	err = conn.Close() // waits until the server has received everything
//
// Serve a method, and call one:
//
//	conn, err := rtmp.Dial(ctx, "rtmp://example.com/app", &rtmp.Options{
//		BackgroundRead: true,
//		Handlers:       map[string]rtmp.HandlerFunc{"MyMath.MyAdd": func(ctx context.Context, args []any) (any, error) { ... }},
//	})
//	...
//	sum, err := conn.RemoteMethod("add")(ctx, 1, 2)
//
// # Reading
//
// A Conn reads from the network only while a call waits for something: Stream.Read, Call.Result, CreateStream, WaitInvoke, ReadPacket or
// ProcessPackets. If several calls wait, one of them reads for all. While no call waits, pings go unanswered, handlers do not run, and
// servers hang up after a while. A program that is idle between its calls sets Options.BackgroundRead, or keeps a goroutine in
// ProcessPackets. A Conn with a published stream always reads.
//
// # Goroutines
//
// All methods may be called from any goroutine, except that only one goroutine at a time may read a Stream, and only one may write to it.
// Handlers run one after the other on a separate goroutine of the Conn. That goroutine never reads from the network, so handlers may use
// the Conn.
//
// # Errors
//
// If the server refuses something, the error is a *StatusError and the connection stays usable. If no connection can be made, the error is
// a *HandshakeError. If the server violates the protocol or a limit in Options, the error is a *ProtocolError, and the connection has
// ended. If the connection is lost, the error is io.ErrUnexpectedEOF. io.EOF always means that the server has ended the stream that is
// being read. Everything that was received before an error is delivered before the error is returned. If a handler panics, its connection
// ends with a *PanicError.
package rtmp

// These are the files of the package, from the top down. Each file uses only files below it, except that options.go names Stream in
// OnStatus.
//
//	connect.go conncall.go conn.go    what a program calls: New, Dial, Conn
//	connector.go open.go    how a connection is made: attempts, redirects, credentials; one attempt
//	client.go    what a server's messages mean
//	close.go    how a connection is closed so that nothing is lost
//	sharedevents.go sharedobject.go
//	pipelined.go    a stream that Connect requests before the server has answered
//	streamtable.go    the open streams, and how they are opened
//	stream.go    Stream, of which the next four files are parts
//	play.go streamread.go streamwrite.go    pause and seek; media received; media sent
//	request.go streamstate.go    commands that statuses answer; the state that the server's statuses change
//	script.go    the commands that open a stream
//	flvout.go    messages as an FLV file
//	capture.go swfverify.go call.go link.go    recordings; SWF verification; remote calls; a connection as its calls, streams and
//	    shared objects see it
//	optionnames.go optionconn.go follow.go settings.go options.go    options by name; redirects; connect's command
//	core.go step.go handler.go farewell.go    what a Conn keeps however often it connects: its first error, the time limits of connecting,
//	    the program's handlers, what Close may have lost
//	trace.go stats.go quickack.go limits.go packet.go pipelining.go enhanced.go errors.go
