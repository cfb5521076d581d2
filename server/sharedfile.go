package server

import (
	"bytes"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/go-librtmp/rtmp/message"
)

// file returns the file name of a persistent object. The file contains the body of a Shared Object message with all properties. The names
// of the application and the object are escaped, so that they cannot lead out of the folder. Escaped names contain no commas.
func (o *sharedObject) file(key sharedKey) string {
	return filepath.Join(o.policy.Dir, "o-"+url.QueryEscape(key.app)+","+url.QueryEscape(key.name)+".so")
}

// load reads the object's file if it exists. The caller holds sharedObjects.mu.
func (o *sharedObject) load(key sharedKey) error {
	b, err := os.ReadFile(o.file(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	kept, err := message.ParseSharedObject(message.TypeSharedObjectAMF0, b)
	if err != nil {
		return err
	}
	o.version, o.stored = kept.Version, kept.Version
	for _, e := range kept.Events {
		for p, err := range e.EachProperty() {
			if err != nil {
				return err
			}
			o.put(p.Name, bytes.Clone(e.Data)) // each event has one property
		}
	}
	return nil
}

// save writes the object's file if the object has changed. The caller holds sharedObjects.mu.
func (o *sharedObject) save(key sharedKey) error {
	if o.version == o.stored {
		return nil
	}
	kept := message.SharedObject{Name: key.name, Version: o.version, Persistent: true, Events: o.changes()}
	b, err := message.AppendSharedObject(nil, message.TypeSharedObjectAMF0, &kept)
	if err != nil {
		return err
	}
	name := o.file(key)
	if err := os.MkdirAll(o.policy.Dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(name+".new", b, 0o644); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
