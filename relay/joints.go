package relay

import (
	"hash/maphash"
	"time"

	"github.com/go-librtmp/rtmp"
)

// maxStored is how old the stored media may be with which a server begins a connection, in ms.
const maxStored = int64(30 * time.Second / time.Millisecond)

// seed makes the hashes unpredictable for a peer.
var seed = maphash.MakeSeed()

// joints has the latest frames that were delivered and with which a connection can begin, to recognize them in another connection.
type joints struct {
	list [128]joint
	n    int // number of frames added so far
}

type joint struct {
	hash uint64
	at   int64
}

func (j *joints) add(hash uint64, at int64) {
	j.list[j.n%len(j.list)] = joint{hash, at}
	j.n++
}

func hashOf(pkt *rtmp.Packet) uint64 { return maphash.Bytes(seed, pkt.Body) }

// find returns the position of the frame with this hash, but not of one before since. Of several it returns the one at expected, where the
// frame is if the server has not restarted its timestamps.
func (j *joints) find(hash uint64, expected, since int64) (at int64, ok bool) {
	found := 0
	for _, known := range j.list[:min(j.n, len(j.list))] {
		switch {
		case known.hash != hash || known.at < since:
		case known.at == expected:
			return known.at, true
		default:
			at = known.at
			found++
		}
	}
	return at, found == 1
}
