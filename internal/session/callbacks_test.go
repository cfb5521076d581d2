package session

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// TestCallbacksAreBounded checks the limit for the memory of waiting and running callbacks. A single callback may have any size.
func TestCallbacksAreBounded(t *testing.T) {
	const half = MaxCallbackBytes/2 - CallbackSize
	var c Callbacks
	entered, release := make(chan struct{}), make(chan struct{})
	block := func() { entered <- struct{}{}; <-release }
	require.True(t, c.Run(2*MaxCallbackBytes, block))
	<-entered
	require.True(t, c.Busy())
	require.False(t, c.Run(0, func() {}))
	release <- struct{}{}
	require.Eventually(t, func() bool { return !c.Busy() }, 10*time.Second, time.Millisecond)
	require.True(t, c.Run(half, block))
	<-entered
	require.False(t, c.Run(half+1, block))
	require.True(t, c.Run(half, block), "both just fit")
	require.False(t, c.Run(0, func() {}))
	release <- struct{}{}
	<-entered
	require.True(t, c.Run(half, func() {}), "the first is over")
	release <- struct{}{}
}

// TestCallbackPanics checks that a panic is reported, and that later callbacks still run.
func TestCallbackPanics(t *testing.T) {
	reported := make(chan *message.PanicError, 1)
	c := Callbacks{Panicked: func(err *message.PanicError) { reported <- err }}
	require.True(t, c.Run(0, func() { panic("oh") }))
	require.Equal(t, "oh", (<-reported).Value)
	done := make(chan struct{})
	require.True(t, c.Run(0, func() { close(done) }))
	<-done
	require.Empty(t, reported)
}

// TestHandlersStopTheReader checks that a full queue of handlers stops the reader, and that a call made by a handler then fails.
func TestHandlersStopTheReader(t *testing.T) {
	a, b := conntest.Pair(t)
	_, server := pairOn(t, a, b, Config{})
	s := server.session
	var h Callbacks
	h.Backlog = s.NewBacklog(1000, func() string { return "handlers" })
	entered, release := make(chan struct{}), make(chan struct{})
	require.True(t, h.Run(0, func() { close(entered); <-release }))
	<-entered
	require.NoError(t, s.Blocked())
	ran := 0
	for range 10 {
		require.True(t, h.Run(MaxCallbackBytes, func() { ran++ }), "it never refuses")
	}
	require.ErrorIs(t, s.Blocked(), ErrBacklog)
	close(release)
	done := make(chan struct{})
	h.Run(0, func() { close(done) })
	<-done
	require.NoError(t, s.Blocked())
	require.Equal(t, 10, ran)
}

// TestHandlersFinish checks that Finish drops the waiting callbacks, and that its own callback runs last.
func TestHandlersFinish(t *testing.T) {
	var h Callbacks
	entered, release, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	h.Run(0, func() { close(entered); <-release })
	<-entered
	h.Run(0, func() { t.Error("it was dropped") })
	h.Finish(func() { close(done) })
	h.Run(0, func() { t.Error("it is too late") })
	h.Finish(func() { t.Error("only the first counts") })
	close(release)
	<-done
}
