package pcap_test

import (
	"fmt"
	"log"
	"os"

	"github.com/go-librtmp/rtmp/capture/pcap"
)

// List the sessions in packets that were captured with
//
//	tcpdump -w packets.pcap port 1935
func ExampleOpen() {
	if len(os.Args) < 2 {
		log.Fatal("usage: sessions packets.pcap")
	}
	f, report, err := pcap.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	for _, s := range f.Sessions() {
		fmt.Printf("%+v\n", s.Info())
	}
	fmt.Printf("%+v\n", report)
}
