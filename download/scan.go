package download

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-librtmp/rtmp/flv"
)

// scan reads a file to learn where it can be continued. Its good part ends behind the last tag that has the right back
// pointer: what a crash or a full disk leaves behind it does not. Files that never have it, since some programs get them
// wrong, end before their last tag. The error is ErrNotFLV, or one of r; a file that is empty or ends within its header
// has nothing to continue.
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
	at, wrong := int64(-1), int64(0) // of the tag before: where it begins, and the wrong previous tag sizes up to it
	good := int64(-1)                // the end of the last tag with the right previous tag size
	for {
		var tag flv.Tag
		err := in.Next(&tag)
		if at >= 0 && in.WrongPreviousTagSizes() == wrong && !endsIn(err, at) {
			good = t.end
		}
		if err == nil && !known(tag.Type) {
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

// header is that of a file without tracks, as far as its data offset.
var header = flv.AppendFileHeader(nil, flv.FileHeader{})[:9]

// beginsHeader returns ErrNotFLV for a file that is shorter than a header if it is not the beginning of one. Whatever its
// flags say, the rest of a header is always the same.
func beginsHeader(b []byte) error {
	for i := range b {
		if i != 4 && b[i] != header[i] {
			return fmt.Errorf("%w: %d bytes that are no beginning of one", ErrNotFLV, len(b))
		}
	}
	return nil
}

func known(t flv.TagType) bool { return t == flv.TagAudio || t == flv.TagVideo || t == flv.TagScript }

// endsIn reports whether the file ends within the tag that begins at offset; only its previous tag size can be missing.
func endsIn(err error, offset int64) bool {
	var bad *flv.Error
	return errors.As(err, &bad) && bad.Err == io.ErrUnexpectedEOF && bad.Offset == offset
}

// readError is nil if a file just ends, be it in the middle of a tag or in something else.
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
