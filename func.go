package rtmp

import "github.com/go-librtmp/rtmp/internal/method"

// Func makes a HandlerFunc of any function, such as func(a, b float64) float64: the arguments of the call are converted to
// the parameters' types as amf.Assign does, and the result back as amf.AppendAMF0 does. The first parameter may be a
// context.Context, which ends with the Conn; the last result may be an error, which is sent as an _error. A variadic
// function takes any number of arguments more. A call with other arguments is answered with an _error that says which one
// does not fit, and fn is not called.
//
// A struct is an object whose members are the exported fields, under their Go names, "Name", or that of a tag: `amf0:"name"`, or
// `amf0:"name,omitempty"` for one that is left out when empty; `amf0:"-"` is neither sent nor set. Members without a field are skipped,
// fields without a member keep their zero value.
//
// Func panics at once if fn is not a function, has more than one result beside the error, or a parameter or result that no
// AMF value can be: a channel, a function, a complex number, an interface other than any.
func Func(fn any) HandlerFunc {
	f, err := method.Adapt(fn)
	if err != nil {
		panic("rtmp: Func: " + err.Error())
	}
	return f
}
