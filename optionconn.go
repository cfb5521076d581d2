package rtmp

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/go-librtmp/rtmp/amf"
)

// connectData collects values, item by item, in librtmp's conn= grammar:
//
//	B:1  S:text  N:1.5  Z:          a boolean, string, number, null
//	O:1 ... O:0                     an object, with its members in between
//	NB:name:1  NS:name:text  NN:name:1.5  NZ:name:  NO:name:1     its members; the last is another object
//
// Unlike librtmp, it keeps the name of NZ, and refuses unnamed values in objects and the end of an object that is not open.
type connectData struct {
	values []any
	open   []openObject // objects that are still open, the innermost last
}

// openObject is an object whose end has not been read yet.
type openObject struct {
	name    string // its name in the enclosing object
	members amf.Object
}

func (d *connectData) clone() connectData {
	open := slices.Clone(d.open)
	for i := range open {
		open[i].members = slices.Clone(open[i].members)
	}
	return connectData{values: slices.Clone(d.values), open: open}
}

// list returns the values. Objects that are still open end here.
func (d *connectData) list() []any {
	ended := d.clone()
	for len(ended.open) > 0 {
		ended.close()
	}
	return ended.values
}

// add reads one item. If it fails, nothing has changed.
func (d *connectData) add(item string) error {
	kind, rest, found := strings.Cut(item, ":")
	if !found {
		return errors.New("missing : after the type letter")
	}
	name, named := "", false
	if len(kind) == 2 && kind[0] == 'N' {
		if name, rest, named = strings.Cut(rest, ":"); !named {
			return errors.New("missing : after the member's name")
		}
		if len(d.open) == 0 {
			return errors.New("a named value must be inside an object: O:1 comes first")
		}
		kind = kind[1:]
	}
	if kind == "O" {
		return d.object(name, named, rest)
	}
	if len(d.open) > 0 && !named {
		return errors.New("a value inside an object needs a name")
	}
	value, err := connectValue(kind, rest)
	if err != nil {
		return err
	}
	d.put(name, value)
	return nil
}

func connectValue(kind, text string) (any, error) {
	switch kind {
	case "B":
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, errors.New("not a boolean: use 0 or 1")
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

// object opens an object (1) or closes the innermost one (0). A named object is always opened.
func (d *connectData) object(name string, named bool, text string) error {
	n, err := strconv.Atoi(text)
	if err != nil && !named {
		return errors.New("use 1 to open or 0 to close an object")
	}
	if n == 0 && !named {
		if len(d.open) == 0 {
			return errors.New("no object is open")
		}
		d.close()
		return nil
	}
	if len(d.open) > 0 && !named {
		return errors.New("a value inside an object needs a name")
	}
	if len(d.open) >= maxConnectNesting {
		return errors.New("objects are nested too deep")
	}
	d.open = append(d.open, openObject{name: name, members: amf.Object{}})
	return nil
}

// close ends the innermost object.
func (d *connectData) close() {
	last := len(d.open) - 1
	closed := d.open[last]
	d.open = d.open[:last]
	d.put(closed.name, closed.members)
}

// put adds a value to the innermost open object, or to the list.
func (d *connectData) put(name string, value any) {
	if len(d.open) == 0 {
		d.values = append(d.values, value)
		return
	}
	inner := &d.open[len(d.open)-1]
	inner.members = append(inner.members, amf.Property{Name: name, Value: value})
}
