package message_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/message"
)

// A command message is a name, a transaction id, a command object and arguments.
func ExampleParseCommand() {
	body, err := message.AppendCommand(nil, message.TypeCommandAMF0, &message.Command{
		Name: "connect", TransactionID: 1, Object: amf.Object{{Name: "app", Value: "live"}},
	})
	if err != nil {
		log.Fatal(err)
	}

	c, err := message.ParseCommand(message.TypeCommandAMF0, body)
	if err != nil {
		log.Fatal(err)
	}
	object, _ := c.Object.(amf.Object)
	app, _ := object.Get("app")
	fmt.Println(c.Name, c.TransactionID, app, len(c.Args))
	// Output: connect 1 live 0
}

// The arguments of an onStatus include an information object. A refused request returns an error of the type that ParseStatus returns.
func ExampleParseStatus() {
	status := message.ParseStatus([]any{message.StatusObject("error", message.CodePlayStreamNotFound, "no such film")})

	var refused *message.StatusError
	if err := error(status); errors.As(err, &refused) {
		fmt.Println(refused.Level, refused.Code == message.CodePlayStreamNotFound)
		fmt.Println(err)
	}
	// Output:
	// error true
	// rtmp: server: NetStream.Play.StreamNotFound: "no such film"
}

// Servers may pack several messages into an aggregate. The timestamp of the aggregate replaces the timestamp of the first message.
func ExampleAggregate() {
	body := []byte{
		9, 0, 0, 2, 0, 0, 100, 0, 0, 0, 0, 0x27, 1, 0, 0, 0, 13, // video of 2 bytes at 100 ms
		8, 0, 0, 1, 0, 0, 123, 0, 0, 0, 0, 0xaf, 0, 0, 0, 12, // audio of 1 byte at 123 ms
	}
	for m, err := range message.Aggregate(5000, body) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.Type, m.Timestamp, len(m.Body))
	}
	// Output:
	// Video 5000 2
	// Audio 5023 1
}

func ExampleParseUserControl() {
	event, err := message.ParseUserControl(message.AppendSetBufferLength(nil, 1, 3000))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(event.Event == message.EventSetBufferLength, event.Value, event.Buffer)
	// Output: true 1 3000
}
