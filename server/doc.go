// Package server is an RTMP server: live streams from publishers to any number of players, FLV files played and recorded, remote
// calls in both directions, by every transport of RTMP. The zero value of [Server] relays live streams of any application; [App]
// has the hooks with which a program decides who may do what, and [Handler] gives it the streams themselves.
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
// In the fields of this package 0 means the default that the comment names, and a negative value turns a limit or a wait off.
package server
