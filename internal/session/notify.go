package session

import "github.com/go-librtmp/rtmp/chunk"

// maxReplyBytes bounds the bodies of what TryReply has left, unless one alone is longer.
const maxReplyBytes = 1 << 20

// TryReply is Reply for what must not be lost silently: it reports false when there is no room.
func (w *writer) TryReply(o chunk.Outgoing) bool {
	r := &w.replies
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.pending) >= MaxReplies || len(r.pending) > 0 && r.bytes+len(o.Body) > maxReplyBytes {
		return false
	}
	r.add(o)
	return true
}
