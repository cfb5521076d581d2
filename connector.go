package rtmp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/auth"
	"github.com/go-librtmp/rtmp/internal/session"
)

// connector makes a Conn's connection. If the server refuses, the connector may make another connection, with credentials or to another
// server. Only one goroutine uses a connector.
type connector struct {
	opener
	patience time.Duration // how long to wait for the answer to connect before connecting in another way; 0 means Timeout
	answered bool          // the server has answered a connect, even if with a refusal

	publisher auth.Publisher
	query     string // appended to app and tcUrl
	redirects int    // number of redirects so far
}

// connect connects, and connects again as often as the server makes that necessary.
func (k *connector) connect(ctx context.Context) (*client, error) {
	for {
		client, retry, err := k.attempt(ctx)
		switch {
		case k.stepBack(ctx, err):
		case err != nil || !retry:
			return client, k.named(err)
		default:
			k.answered = true
		}
		if client != nil {
			client.session.Close()
		}
	}
}

// named returns err with the address to which the client was redirected, if any.
func (k *connector) named(err error) error {
	if err == nil || k.redirects == 0 {
		return err
	}
	return session.During("connect (redirected to "+k.url.Redacted()+")", err)
}

// attempt connects once. If retry is true, connect must try again, with the present state of k.
func (k *connector) attempt(ctx context.Context) (_ *client, retry bool, _ error) {
	o, err := k.connectMessage(k.query, k.announce)
	if err != nil {
		return nil, false, err
	}
	client, err := k.try(ctx, 1, o)
	if err != nil || !k.negotiates() && k.pipelining == PipelineNone {
		return client, false, err
	}
	if retry, err = k.admit(ctx, client); err == nil && !retry {
		err = k.settle(ctx, client)
	}
	return client, retry, err
}

// try makes a connection, and sends connect and the commands of the pipelined stream, if there is one.
func (k *connector) try(ctx context.Context, transactionID float64, connect chunk.Outgoing) (*client, error) {
	if err := k.Err(); err != nil {
		return nil, err
	}
	messages := []chunk.Outgoing{connect}
	ahead := k.newPipelined(false)
	if ahead != nil {
		ahead.predict(transactionID)
		more, err := ahead.messages()
		if err != nil {
			return nil, err
		}
		messages = append(messages, more...)
	}
	client, err := k.open(ctx, messages)
	if err != nil {
		k.recordFailure(err, k.log)
		return nil, err
	}
	connectCall := new(Call)
	if err := client.session.Register(&connectCall.call, "connect", transactionID); err != nil {
		return client, err
	}
	connectCall.call.BeforeResult(client.connectAccepted)
	if client.connectCall = connectCall; k.announce {
		connectCall.hint = "the server may not understand the announcement of Enhanced RTMP: try NoEnhanced"
	}
	connectCall.explain = k.explainRefusal
	if ahead != nil {
		client.ahead.Store(ahead)
		err = ahead.register(&client.streams)
	}
	return client, err
}

// await waits for the server's answer to connect.
func (k *connector) await(ctx context.Context, connect *Call) error {
	patience := k.patience
	if k.pipelining != PipelineNone {
		patience = connectPatience
	}
	if patience > 0 {
		err := connect.call.WaitWithin(ctx, max(1, k.patient(ctx, patience)))
		if late, ok := err.(*session.TimeoutError); ok && late.What == connect.call.Method {
			return errImpatient
		}
		if err != nil {
			return err
		}
	}
	_, err := connect.Result(ctx)
	return err
}

// negotiates reports whether the server's answer may make it necessary to connect again.
func (k *connector) negotiates() bool {
	user, _ := k.credentials()
	return user != "" || k.opts.MaxRedirects > 0
}

// admit waits for the answer to connect. If retry is true, the answer requires another connection.
func (k *connector) admit(ctx context.Context, client *client) (retry bool, err error) {
	err = k.await(ctx, client.connectCall)
	var refused *StatusError
	if err == nil || !errors.As(err, &refused) {
		return false, err
	}
	if to := redirection(refused); to != "" && k.opts.MaxRedirects > 0 {
		if k.redirects++; k.redirects > k.opts.MaxRedirects {
			return false, session.During(fmt.Sprintf("connect: redirected more than %d times", k.opts.MaxRedirects), refused)
		}
		if err := k.redirect(client, to); err != nil {
			return false, session.During("connect: redirect: "+err.Error(), refused)
		}
		return true, nil
	}
	user, password := k.credentials()
	if user == "" {
		return false, nil
	}
	if k.publisher.User == "" {
		k.publisher = auth.Publisher{User: user, Password: password, App: k.app()}
	}
	query, retry, err := k.publisher.Next(refused.Description)
	if errors.Is(err, auth.ErrNoCredentials) {
		return false, session.During("connect: "+credentialsNeeded, refused)
	}
	if err != nil {
		return false, session.During("connect: "+err.Error(), refused)
	}
	k.query = query
	return retry, nil
}

// explainRefusal says what to do if the server demands a user and a password and there are none.
func (s settings) explainRefusal(refused *StatusError) (hint string) {
	if user, _ := s.credentials(); user != "" {
		return ""
	}
	if _, demanded, _ := auth.ParseRejection(refused.Description); !demanded {
		return ""
	}
	return credentialsNeeded
}

// credentialsNeeded says what to do about auth.ErrNoCredentials.
const credentialsNeeded = "the server demands a user and a password: put user:password@ before the host, or set PublishUser and PublishPassword"

// redirection returns the URL that a refusal redirects to, if any.
func redirection(refused *StatusError) string {
	info, _ := refused.Info.(amf.Object)
	value, _ := info.Get("ex")
	ex, _ := value.(amf.Object)
	code, _ := ex.Get("code")
	to, _ := ex.Get("redirect")
	if text, ok := to.(string); ok && code == 302.0 {
		return text
	}
	return ""
}

// redirect makes the next connection go to the server that to, a tcUrl, names.
func (k *connector) redirect(from *client, to string) error {
	there, err := k.follow(to, from.near, true)
	if err != nil {
		return err
	}
	k.settings, k.query, k.publisher = there, "", auth.Publisher{}
	k.log.Debug("rtmp: redirected", "url", there.url.Redacted())
	return nil
}

// newPipelined returns the stream that Connect requests without waiting for earlier answers, or nil if there is none. answered reports
// whether the server has answered connect. While it has not, newPipelined returns nil if the request needs that answer.
func (k *connector) newPipelined(answered bool) *pipelined {
	if k.pipelining == PipelineNone || k.playpath() == "" || k.opts.UsherToken != "" || !answered && k.needsAnswer() {
		return nil
	}
	h := &pipelined{options: k.complete(StreamOptions{Writable: k.opts.publishes()})}
	var err error
	if h.script, err = k.opts.script(h.options); err != nil {
		return nil // CreateStream will return the error
	}
	return h
}

// needsAnswer reports whether to wait for the answer to connect before requesting a stream.
func (k *connector) needsAnswer() bool {
	return k.negotiates() || k.opts.Token != "" || k.opts.SWFVerify || len(k.opts.SWFHash) > 0
}

// settle is called after the server has answered connect. It requests the pipelined stream if that has not been done, and finds out whether
// the server has created it.
func (k *connector) settle(ctx context.Context, client *client) error {
	h := client.ahead.Load()
	if _, refused := client.connectCall.call.Result(); refused != nil {
		if h != nil {
			client.ahead.Store(nil)
			h.drop()
		}
		return nil
	}
	if h == nil {
		if h = k.newPipelined(true); h == nil {
			return nil
		}
		client.ahead.Store(h)
		if err := h.send(ctx, &client.streams); err != nil {
			return err
		}
	}
	known, err := h.settle(ctx)
	if h.guessedWrong { // The id would be wrong on every new connection, so the next fallback goes directly to PipelineNone.
		k.pipelining = PipelineCommands
	}
	if !known {
		client.ahead.Store(nil)
	}
	return err
}

// stepBack reports whether err may be due to pipelining. If so, it reduces the pipelining of the next connection by one step.
func (k *connector) stepBack(ctx context.Context, err error) bool {
	if k.pipelining == PipelineNone || !mayBePipelining(err) || ctx.Err() != nil || k.Err() != nil {
		return false
	}
	k.pipelining--
	k.fellBack(k.url.Redacted(), err.Error())
	return true
}

// mayBePipelining reports whether err may be a server's reaction to pipelining: a lost connection, a timeout, or a protocol violation.
func mayBePipelining(err error) bool {
	var failed *HandshakeError
	if errors.As(err, &failed) {
		var wrong *handshake.Error
		said := errors.As(err, &wrong) && wrong.Err == nil // the server speaks another protocol
		return failed.Stage == StageConnect || !said && (failed.Stage == StageRTMP || failed.Stage == StageRTMPE)
	}
	var lost *session.LostError
	var silent *session.TimeoutError
	var confused *ProtocolError
	return errors.As(err, &lost) || errors.As(err, &silent) || errors.As(err, &confused)
}
