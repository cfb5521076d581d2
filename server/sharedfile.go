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

// file is where a persistent object is kept: what a Shared Object message with all its properties holds, without one of the two names'
// leaving the folder. No escaped name has a comma.
func (o *sharedObject) file(key sharedKey) string {
	return filepath.Join(o.policy.Dir, "o-"+url.QueryEscape(key.app)+","+url.QueryEscape(key.name)+".so")
}

// load reads what there is, if there is something. The caller holds sharedObjects.mu.
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
	o.version = kept.Version
	for _, e := range kept.Events {
		for p, err := range e.EachProperty() {
			if err != nil {
				return err
			}
			o.put(p.Name, bytes.Clone(e.Data)) // one property an event
		}
	}
	return nil
}

// save writes the object. The caller holds sharedObjects.mu.
func (o *sharedObject) save(key sharedKey) error {
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
