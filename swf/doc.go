// Package swf implements SWF verification. A server asks whether its client is a certain player, which is a SWF file. This package
// computes the player's hash and size, and from them the answer.
//
// [Hash] downloads the player and caches its hash, and [Sum] hashes a player that the program already has. [Response] is the client's
// half of the verification, and [CheckResponse] the server's. The rules are librtmp's, and the cache file is shared with librtmp.
package swf
