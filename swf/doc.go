// Package swf implements SWF verification, by which a server asks whether its client is a certain player, a SWF file. The
// answer is computed from the player's hash and size.
//
// [Hash] downloads the player and caches its hash; [Sum] hashes a player that the program already has. [Response] is the
// client's half of the verification, [CheckResponse] the server's. The rules and the cache file are librtmp's.
package swf
