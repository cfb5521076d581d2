package swf_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/go-librtmp/rtmp/swf"
)

// Hash a player that a web server has.
func ExampleHash() {
	site := httptest.NewServer(http.FileServer(http.Dir("testdata")))
	defer site.Close()

	hash, size, err := swf.Hash(context.Background(), site.URL+"/player.cws", &swf.Options{CacheFile: swf.NoCache})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%x %d\n", hash, size)
	// Output: 4621bb05a711524c6905b46e26523d8ebe1f19359a51799bfd37d5c80a78052c 1008
}

// Hash a player that the program has opened itself.
func ExampleSum() {
	f, err := os.Open("testdata/player.cws")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	hash, size, err := swf.Sum(f)
	fmt.Printf("%x %d %v\n", hash[:4], size, err)
	// Output: 4621bb05 1008 <nil>
}

// Both sides of a verification, after a handshake whose S1 ended in s1Tail.
func ExampleResponse() {
	hash, size, s1Tail := make([]byte, 32), uint32(1008), [32]byte{1, 2, 3}

	response := swf.Response(hash, size, s1Tail)
	fmt.Println(swf.CheckResponse(response[:], hash, size, s1Tail))
	fmt.Println(swf.CheckResponse(response[:], hash, size+1, s1Tail))
	// Output:
	// <nil>
	// swf: verify: player's sizes: 000003f0000003f0
}
