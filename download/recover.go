package download

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/reconnect"
)

// recoverable reports whether and after what time to connect again. failed is the number of consecutive attempts that brought nothing new.
func (d *download) recoverable(ctx context.Context, err error, failed int) (time.Duration, bool) {
	r := d.o.Recover
	if r == nil || ctx.Err() != nil {
		return 0, false
	}
	var refused *rtmp.StatusError
	var option *rtmp.OptionError
	switch {
	case errors.As(err, &refused), errors.As(err, &option), isWrite(err), errors.Is(err, ErrNoMatch):
		return 0, false
	case d.allReceived(err), d.result.Sessions == 0 && wrongAddress(err):
		return 0, false
	case err == nil && (failed > 0 || d.target.options.Live || d.reachedEnd() && len(d.gapsAtEnd(true)) == 0): // the end, or the same early end twice
		return 0, false
	}
	if failed >= cmp.Or(r.Attempts, 8) {
		return 0, false
	}
	return reconnect.Delay(r.Delay, r.MaxDelay, failed), true
}

// wrongAddress reports whether err is usually caused by a wrong address: an unknown host, or a certificate for another name.
func wrongAddress(err error) bool {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &name) && name.IsNotFound || errors.As(err, &certificate)
}

func isWrite(err error) bool {
	var w *WriteError
	return errors.As(err, &w)
}
