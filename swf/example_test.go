package swf_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/go-librtmp/rtmp/swf"
)

// player is a minimal SWF file: a header with the size, and a body. A real program uses the player of a web site.
const player = "FWS\x09\x18\x00\x00\x00 a player's code"

// Download a player from a web server and hash it.
func ExampleHash() {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, player) }))
	defer site.Close()

	hash, size, err := swf.Hash(context.Background(), site.URL+"/player.swf", &swf.Options{CacheFile: swf.NoCache})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%x %d\n", hash, size)
	// Output: 34963033f464a0a1623f44b858721537c3759a12bcee7e800eb3548255d74249 24
}

// Hash a player that the program already has.
func ExampleSum() {
	hash, size, err := swf.Sum(strings.NewReader(player)) // usually an *os.File
	fmt.Printf("%x %d %v\n", hash[:4], size, err)

	_, _, err = swf.Sum(bytes.NewReader([]byte("<html>Not found</html>")))
	fmt.Println(err)
	// Output:
	// 34963033 24 <nil>
	// swf: unpack: not a SWF, it begins with: 3c6874
}

// Both sides of a verification, after a handshake in which S1 ended with s1Tail.
func ExampleResponse() {
	hash, size, s1Tail := make([]byte, 32), uint32(1008), [32]byte{1, 2, 3}

	response := swf.Response(hash, size, s1Tail)
	fmt.Println(swf.CheckResponse(response[:], hash, size, s1Tail))
	fmt.Println(swf.CheckResponse(response[:], hash, size+1, s1Tail))
	// Output:
	// <nil>
	// swf: verify: player's sizes: 000003f0000003f0
}
