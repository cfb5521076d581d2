// Package server implements an RTMP server. It relays live streams from publishers to any number of players, plays and records FLV files,
// and supports remote calls in both directions, over every transport of RTMP. The zero value of [Server] relays live streams of any
// application. With the hooks of an [App] a program decides who may do what, and with a [Handler] the program serves streams itself.
//
//	srv := &server.Server{Apps: map[string]*server.App{"live": {
//		Publish: func(ctx context.Context, r *server.Request) error {
//			if r.Query.Get("key") != key {
//				return server.Deny("wrong key")
//			}
//			return nil
//		},
//	}}}
//	log.Fatal(srv.ListenAndServe())
//
// In the fields of this package, 0 means the default that the comment states. A negative value disables a limit or a wait.
package server
