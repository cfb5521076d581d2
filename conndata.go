package rtmp

import (
	"errors"
	"strconv"
	"strings"

	"github.com/go-librtmp/rtmp/amf"
)

// addConnectData appends one value of librtmp's conn= grammar to ConnectData (legacy.md 1.4):
//
//	B:1  S:text  N:1.5  Z:          a boolean, string, number, null
//	O:1 ... O:0                     an object: what stands between goes into it, by name
//	NB:name:1  NS:name:text  NN:name:1.5  NZ:name:  NO:name:1     its members, the last an object again
//
// librtmp forgets the name of NZ, writes unnamed values into objects, and closes objects that are not open.
func (o *Options) addConnectData(item string) error {
	kind, rest, found := strings.Cut(item, ":")
	if !found {
		return errors.New("no : behind the type letter")
	}
	name, named := "", false
	if len(kind) == 2 && kind[0] == 'N' {
		if name, rest, named = strings.Cut(rest, ":"); !named {
			return errors.New("no : behind the member's name")
		}
		if len(o.open) == 0 {
			return errors.New("a named value belongs into an object: O:1 comes first")
		}
		kind = kind[1:]
	}
	if kind == "O" {
		return o.addConnectObject(name, named, rest)
	}
	if len(o.open) > 0 && !named {
		return errors.New("a value inside an object needs a name")
	}
	value, err := connectValue(kind, rest)
	if err != nil {
		return err
	}
	o.putConnectValue(name, value)
	return nil
}

func connectValue(kind, text string) (any, error) {
	switch kind {
	case "B":
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, errors.New("not a boolean: 0 or 1")
		}
		return n != 0, nil
	case "S":
		return text, nil
	case "N":
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, errors.New("not a number")
		}
		return n, nil
	case "Z":
		return nil, nil
	}
	return nil, errors.New("unknown type letter")
}

// addConnectObject opens an object (1) or closes the innermost one (0). A named one is always opened.
func (o *Options) addConnectObject(name string, named bool, text string) error {
	n, err := strconv.Atoi(text)
	if err != nil && !named {
		return errors.New("not 1 to open or 0 to close an object")
	}
	if n == 0 && !named {
		if len(o.open) == 0 {
			return errors.New("no object is open")
		}
		closed := o.open[len(o.open)-1]
		o.open = o.open[:len(o.open)-1]
		o.storeConnectObject(*closed)
		return nil
	}
	if len(o.open) > 0 && !named {
		return errors.New("a value inside an object needs a name")
	}
	if len(o.open) >= 16 {
		return errors.New("objects are nested too deep")
	}
	o.putConnectValue(name, amf.Object{})
	o.open = append(o.open, new(amf.Object))
	return nil
}

// closeConnectObjects ends the objects that were left open.
func (o *Options) closeConnectObjects() {
	for len(o.open) > 0 {
		o.addConnectObject("", false, "0")
	}
}

// putConnectValue adds a value to the innermost open object, or to ConnectData.
func (o *Options) putConnectValue(name string, value any) {
	if len(o.open) == 0 {
		o.ConnectData = append(o.ConnectData, value)
		return
	}
	inner := o.open[len(o.open)-1]
	*inner = append(*inner, amf.Property{Name: name, Value: value})
}

// storeConnectObject puts a finished object into the place that was made for it when it was opened.
func (o *Options) storeConnectObject(finished amf.Object) {
	if len(o.open) == 0 {
		o.ConnectData[len(o.ConnectData)-1] = finished
		return
	}
	outer := *o.open[len(o.open)-1]
	outer[len(outer)-1].Value = finished
}
