package rtmp

import (
	"context"

	"github.com/go-librtmp/rtmp/swf"
)

// player is what SWF verification asks about, the player that the program pretends to be.
type player struct {
	hash []byte
	size uint32
}

// fetchPlayer returns nil without SWF verification.
func (k *connector) fetchPlayer(ctx context.Context) (*player, error) {
	o := k.opts
	switch {
	case len(o.SWFHash) > 0:
		return &player{hash: o.SWFHash, size: o.SWFSize}, nil
	case !o.SWFVerify:
		return nil, nil
	}
	dialer, err := k.dialer(0) // the program's choice, not a server's
	if err != nil {
		return nil, err
	}
	ctx, cancel := k.withTimeout(ctx)
	defer cancel()
	hash, size, err := swf.Hash(ctx, o.SWFURL, &swf.Options{Client: dialer.HTTPClient(), Age: o.SWFAge, Logger: k.log})
	if err != nil {
		return nil, err
	}
	known := *o
	known.SWFHash, known.SWFSize = hash, size // should it be necessary to connect once more, here or elsewhere
	k.opts = &known
	return &player{hash: hash, size: size}, nil
}
