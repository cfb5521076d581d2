package testserver

import (
	"crypto/rc4"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/transport"
)

// A connection that can't be half closed is closed, also if it is enciphered: rtmpte sessions end at once, too.
func TestCloseWriteWithoutHalfClose(t *testing.T) {
	cipher, err := rc4.NewCipher([]byte("key"))
	require.NoError(t, err)
	client, server := net.Pipe()
	defer server.Close()
	require.NoError(t, client.SetReadDeadline(time.Now().Add(5*time.Second)))
	closeWrite(transport.Encipher(server, cipher, cipher))
	_, err = client.Read(make([]byte, 1))
	assert.Equal(t, io.EOF, err)
}
