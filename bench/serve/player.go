package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp"
)

// dialTimeout bounds the time that a player or publisher needs to begin.
const dialTimeout = 60 * time.Second

// player is a connection that receives media. Its owner reads from it.
type player struct {
	nc     *net.TCPConn
	conn   *rtmp.Conn   // nil for HTTP-FLV and the floor
	stream *rtmp.Stream // nil for HTTP-FLV and the floor
}

// openOptions are options for unusual players.
type openOptions struct {
	receive int  // size of the socket's receive buffer in bytes; 0 means the system's default
	file    bool // plays a file, not a live stream
}

// open plays a URL: rtmp, rtmps, rtmpe, http or floor. It returns when the server has announced the media.
func open(ctx context.Context, rawURL string, o openOptions) (*player, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, err
	}
	p := new(player)
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		p.nc = nc.(*net.TCPConn)
		if o.receive > 0 {
			p.nc.SetReadBuffer(o.receive)
		}
		return nc, nil
	}
	if !strings.HasPrefix(u.Scheme, "rtmp") {
		nc, err := dial(ctx, "tcp", u.Host)
		if err != nil {
			return nil, err
		}
		hello := "R"
		if u.Scheme == "http" {
			hello = fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", u.Path, u.Host)
		}
		_, err = io.WriteString(nc, hello)
		return p, err
	}
	p.conn, err = rtmp.Dial(ctx, rawURL, &rtmp.Options{Live: !o.file, DialContext: dial, Timeout: dialTimeout, Proxy: "direct",
		TLSConfig: &tls.Config{InsecureSkipVerify: true}}) // the server's certificate was made for this run
	if err != nil {
		return nil, err
	}
	if p.stream, err = p.conn.CreateStream(ctx, nil); err != nil {
		p.conn.Close()
		return nil, err
	}
	return p, p.nc.SetDeadline(time.Time{}) // the Conn sets deadlines for its own calls; none may remain
}

// close closes the connection without any RTMP message, as players that are switched off do.
func (p *player) close() {
	p.nc.Close()
	if p.conn != nil {
		p.conn.Close()
	}
}

// crowd is a group of players of one URL that discard what they receive.
type crowd struct {
	players  []*player
	options  openOptions
	received atomic.Int64          // bytes
	lost     atomic.Pointer[error] // the error with which a player was disconnected
	leaving  atomic.Bool
	ended    chan struct{} // receives a token from each player that ends
}

// openers is the number of players that connect at the same time.
const openers = 16

// gather opens n players.
func gather(ctx context.Context, url string, n int, o openOptions) (*crowd, error) {
	c := &crowd{options: o, ended: make(chan struct{}, n)}
	return c, c.grow(ctx, url, n)
}

// grow opens players until there are n.
func (c *crowd) grow(ctx context.Context, url string, n int) error {
	type opened struct {
		*player
		error
	}
	results, tokens := make(chan opened), make(chan struct{}, openers)
	more := n - len(c.players)
	go func() {
		for range more {
			tokens <- struct{}{}
			go func() {
				p, err := open(ctx, url, c.options)
				<-tokens
				results <- opened{p, err}
			}()
		}
	}()
	var failed error
	for range more {
		o := <-results
		if o.error != nil {
			failed = o.error
			continue
		}
		c.players = append(c.players, o.player)
		go func() {
			err := discard(o.nc, &c.received)
			if !c.leaving.Load() && !errors.Is(err, net.ErrClosed) {
				c.lost.Store(&err)
			}
			c.ended <- struct{}{}
		}()
	}
	if failed != nil {
		c.leave()
		return fmt.Errorf("%d of %d players: %w", len(c.players), n, failed)
	}
	return nil
}

// leave ends all players.
func (c *crowd) leave() {
	c.leaving.Store(true)
	for _, p := range c.players {
		p.close()
	}
	for range c.players {
		<-c.ended
	}
	c.players = nil
}
