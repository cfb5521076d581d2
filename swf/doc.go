// Package swf implements SWF verification: it computes the hash and the size of a player, which is a SWF file, and from them the answer to
// a server that asks whether its client is that player.
//
// [Hash] downloads the player and caches its hash, and [Sum] hashes a player that the program already has. [Response] is the client's half
// of the verification, and [CheckResponse] the server's. The rules are librtmp's, and the cache file is shared with librtmp.
package swf
