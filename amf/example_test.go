package amf_test

import (
	"fmt"

	"github.com/go-librtmp/rtmp/amf"
)

// A command message is a sequence of values: name, transaction id, command object, arguments.
func ExampleAppendAMF0() {
	body, err := amf.AppendAMF0(nil, "connect", 1, amf.Object{
		{Name: "app", Value: "live"},
		{Name: "tcUrl", Value: "rtmp://example.com/live"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d bytes: %x...\n", len(body), body[:10])
	// Output: 68 bytes: 020007636f6e6e656374...
}

func ExampleAppendAMF0_struct() {
	type status struct {
		Code   string `amf0:"code"`
		Detail string `amf0:"description,omitempty"`
	}
	body, err := amf.AppendAMF0(nil, status{Code: "NetStream.Play.Start"})
	if err != nil {
		fmt.Println(err)
		return
	}
	values, err := amf.DecodeAMF0(body)
	fmt.Println(values, err)
	// Output: [[{code NetStream.Play.Start}]] <nil>
}

func ExampleDecodeAMF0() {
	body, _ := amf.AppendAMF0(nil, "onStatus", 0, nil, map[string]any{"code": "NetStream.Play.Start"})
	values, err := amf.DecodeAMF0(body)
	if err != nil {
		fmt.Println(err)
		return
	}
	if info, ok := values[3].(amf.Object); ok {
		code, _ := info.Get("code")
		fmt.Println(values[0], code)
	}
	// Output: onStatus NetStream.Play.Start
}

// Use a Decoder to read only the first values of a body.
func ExampleDecoder() {
	body, _ := amf.AppendAMF0(nil, "onMetaData", amf.ECMAArray{{Name: "duration", Value: 12.5}})
	d := amf.NewDecoder(body)
	for d.More() {
		v, err := d.Decode()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(v, "ends at", d.Offset())
	}
	// Output:
	// onMetaData ends at 13
	// [{duration 12.5}] ends at 40
}

// The low-level appenders write a known message without any allocation.
func ExampleAppendString() {
	buffer := make([]byte, 0, 64)
	buffer = amf.AppendString(buffer, "deleteStream")
	buffer = amf.AppendNumber(buffer, 0)
	buffer = amf.AppendNull(buffer)
	buffer = amf.AppendNumber(buffer, 1)
	fmt.Println(len(buffer))
	// Output: 34
}

// Unmarshal fills a struct from an object. It understands the struct tags of go-amf0.
func ExampleUnmarshal() {
	body, _ := amf.Marshal(amf.Object{
		{Name: "code", Value: "NetStream.Play.Start"},
		{Name: "clientid", Value: 7},
		{Name: "details", Value: "ignored"},
	})
	var status struct {
		Code   string `amf0:"code"`
		Client uint32 `amf0:"clientid"`
	}
	if err := amf.Unmarshal(body, &status); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(status.Code, status.Client)
	// Output: NetStream.Play.Start 7
}

// Assign stores a value that has already been decoded.
func ExampleAssign() {
	values := []any{1.0, 2.0, 4.0}
	var seconds []int
	fmt.Println(amf.Assign(&seconds, values), seconds)

	values[1] = 2.5
	fmt.Println(amf.Assign(&seconds, values))
	// Output:
	// <nil> [1 2 4]
	// amf: cannot store number 2.5 in int at value[1]: not a whole number
}

// With a peer that has agreed to object encoding 3, arguments may be AMF3.
func ExampleAVMPlus() {
	body, err := amf.AppendAMF0(nil, "ping", 5, nil, amf.AVMPlus{Value: []string{"a", "a"}}, amf.ByteArray{1, 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%x\n", body[17:])
	values, err := amf.DecodeAMF0(body)
	fmt.Println(values, err)
	// Output:
	// 110905010603610600110c050102
	// [ping 5 <nil> [a a] [1 2]] <nil>
}
