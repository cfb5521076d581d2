package flv

// Names of code that is being written at the same time. To be removed when nothing uses them any more.

const BackPointerSize = PreviousTagSizeLen

func PutBackPointer(b []byte, size int) { PutPreviousTagSize(b, size) }

func (l *Timeline) Advance(timestamp uint32) int64 { return l.Unwrap(timestamp) }

func (r *Reader) WrongBackPointers() int64 { return r.WrongPreviousTagSizes() }
