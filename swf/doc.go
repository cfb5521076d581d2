// Package swf computes what SWF verification needs: the hash and the size of a player, a SWF file, and from them the answer
// to a server that asks whether its client is that player.
//
// [Hash] fetches the player and remembers what it found, [Sum] hashes one that the program has already. [Response] is the
// client's half of the verification, [CheckResponse] the server's. The rules are librtmp's, and so is the cache file, so
// that both programs profit from each other's downloads.
package swf
