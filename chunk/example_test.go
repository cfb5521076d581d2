package chunk_test

import (
	"bytes"
	"fmt"
	"io"
	"log"

	"github.com/go-librtmp/rtmp/chunk"
)

// A Writer encodes messages as chunks, and a Reader decodes them. The chunks of different chunk streams may be interleaved.
func Example() {
	w := chunk.NewWriter()
	var wire []byte
	for _, message := range []chunk.Outgoing{
		{ChunkStreamID: 2, Type: 1, Body: []byte{0, 0, 16, 0}}, // Set Chunk Size: 4096
		{ChunkStreamID: 6, StreamID: 1, Type: 9, Timestamp: 0, Format: chunk.Format0, Body: make([]byte, 5000)},
		{ChunkStreamID: 6, StreamID: 1, Type: 9, Timestamp: 40, Format: chunk.Format3, Body: make([]byte, 300)},
	} {
		var err error
		if wire, err = w.AppendMessage(wire, &message); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(len(wire), "bytes, chunk size", w.ChunkSize())

	r := chunk.NewReader(bytes.NewReader(wire), 1<<20) // messages of more than 1 MiB are an error
	var m chunk.Message
	for {
		err := r.Next(&m)
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("chunk stream %d: type %d at %d ms, %d bytes\n", m.ChunkStreamID, m.Type, m.Timestamp, m.Len())
	}
	// Output:
	// 5337 bytes, chunk size 4096
	// chunk stream 2: type 1 at 0 ms, 4 bytes
	// chunk stream 6: type 9 at 0 ms, 5000 bytes
	// chunk stream 6: type 9 at 40 ms, 300 bytes
}
