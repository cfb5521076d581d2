package download

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-librtmp/rtmp/flv"
)

// scan reads a file to find where it can be continued. A correct previous tag size proves that a tag was written completely, so the file can
// be continued after the last correct previous tag size. Some programs write only wrong previous tag sizes; such a file can be continued at
// the beginning of its last tag. The error is ErrNotFLV, or an error of r. An empty file, or a file that ends inside its header, has nothing
// to continue.
func scan(r io.Reader, skip int) (*tail, error) {
	t := &tail{skip: skip}
	head := make([]byte, len(header))
	n, err := io.ReadFull(r, head)
	switch {
	case err == io.EOF:
		return t, nil
	case err == io.ErrUnexpectedEOF:
		return t, beginsHeader(head[:n])
	case err != nil:
		return nil, err
	}
	in := flv.NewReader(io.MultiReader(bytes.NewReader(head), r))
	if _, err := in.Header(); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return t, nil
		}
		return nil, notFLV(err)
	}
	at, wrong := int64(-1), int64(0) // position of the previous tag, and the number of wrong previous tag sizes up to it
	good := int64(-1)                // end of the last tag with a correct previous tag size
	for {
		var tag flv.Tag
		err := in.Next(&tag)
		if at >= 0 && in.WrongPreviousTagSizes() == wrong && !endsIn(err, at) {
			good = t.end
		}
		if err == nil && !isKnownType(tag.Type) {
			err = &flv.Error{Offset: in.Offset(), Detail: "unknown tag type", Value: tag.Type}
		}
		if err != nil {
			if t.end == 0 && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
				return nil, notFLV(err)
			}
			if good < 0 {
				good = max(0, at)
			}
			t.cut(good)
			return t, readError(err)
		}
		at, wrong = in.Offset(), in.WrongPreviousTagSizes()
		t.end = at
		t.add(tag)
	}
}

// header is an FLV file header with the flags 0.
var header = flv.AppendFileHeader(nil, flv.FileHeader{})[:9]

// beginsHeader returns ErrNotFLV for a file shorter than a header, unless it is the beginning of one.
func beginsHeader(b []byte) error {
	for i := range b {
		if i != 4 && b[i] != header[i] {
			return fmt.Errorf("%w: %d bytes that do not begin a file header", ErrNotFLV, len(b))
		}
	}
	return nil
}

func isKnownType(t flv.TagType) bool {
	return t == flv.TagAudio || t == flv.TagVideo || t == flv.TagScript
}

// endsIn reports whether the file ends inside the tag at offset, even if only its previous tag size is missing.
func endsIn(err error, offset int64) bool {
	var bad *flv.Error
	return errors.As(err, &bad) && bad.Err == io.ErrUnexpectedEOF && bad.Offset == offset
}

// readError returns nil if err means the end of the file, even inside a tag, or data that is not a tag.
func readError(err error) error {
	var bad *flv.Error
	if err == io.EOF || errors.As(err, &bad) {
		return nil
	}
	return err
}

func notFLV(err error) error {
	if readError(err) == nil {
		return fmt.Errorf("%w: %w", ErrNotFLV, err)
	}
	return err
}
