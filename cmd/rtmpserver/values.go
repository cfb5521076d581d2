package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// size is a flag for a number of bytes, such as 4096, 64K, 8M, 2G or 1T, in units of 1024. B or iB may follow.
type size int64

// Set implements pflag.Value.
func (s *size) Set(text string) error {
	number := strings.ToUpper(strings.TrimSpace(text))
	for _, suffix := range []string{"B", "I"} {
		number = strings.TrimSuffix(number, suffix)
	}
	n, ok := withUnit(number, 1024)
	if !ok {
		return errors.New("not a size, such as 500K, 8M or 2G")
	}
	*s = size(n)
	return nil
}

// withUnit returns the value of a number that may end with K, M, G or T, the first four powers of base.
func withUnit(number string, base float64) (int64, bool) {
	unit := 1.0
	if i := len(number) - 1; i > 0 {
		if power := strings.IndexByte("KMGT", number[i]); power >= 0 {
			number, unit = number[:i], math.Pow(base, float64(power+1))
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(n) || math.Abs(n*unit) >= 1<<62 {
		return 0, false
	}
	return int64(n * unit), true
}

// String implements pflag.Value. The result is exact, and empty for 0, so that --help shows no default.
func (s *size) String() string {
	n, unit := int64(*s), ""
	if n == 0 {
		return ""
	}
	for _, next := range []string{"K", "M", "G", "T"} {
		if n%1024 != 0 {
			break
		}
		n, unit = n/1024, next
	}
	return strconv.FormatInt(n, 10) + unit
}

// Type implements pflag.Value.
func (s *size) Type() string { return "size" }

// bitRate is a flag for bits per second, such as 800000, 800K or 2M, in units of 1000.
type bitRate int

// Set implements pflag.Value.
func (r *bitRate) Set(text string) error {
	n, ok := withUnit(strings.ToUpper(strings.TrimSpace(text)), 1000)
	if !ok || int64(int(n)) != n {
		return errors.New("not a bit rate, such as 800K or 2M")
	}
	*r = bitRate(n)
	return nil
}

// String implements pflag.Value. It is empty for 0, so that --help shows no default.
func (r *bitRate) String() string {
	if *r == 0 {
		return ""
	}
	return strconv.Itoa(int(*r))
}

// Type implements pflag.Value.
func (r *bitRate) Type() string { return "bit/s" }

// address is a flag for host:port. An empty host means all addresses of this machine.
type address string

// Set implements pflag.Value.
func (a *address) Set(text string) error {
	if text != "" {
		_, port, err := net.SplitHostPort(text)
		if err == nil {
			_, err = net.LookupPort("tcp", port)
		}
		if err != nil {
			return errors.New("not an address, such as :8080 or 127.0.0.1:8080")
		}
	}
	*a = address(text)
	return nil
}

func (a *address) String() string { return "" }

// Type implements pflag.Value.
func (a *address) Type() string { return "address" }

// prefixes is a flag for networks, such as 10.0.0.0/8, or single addresses. It may be repeated.
type prefixes []netip.Prefix

// Set implements pflag.Value.
func (p *prefixes) Set(text string) error {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		addr, bad := netip.ParseAddr(text)
		if bad != nil {
			return errors.New("not a network, such as 10.0.0.0/8, or an address")
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	*p = append(*p, prefix)
	return nil
}

// Append implements pflag.SliceValue.
func (p *prefixes) Append(text string) error { return p.Set(text) }

// Replace implements pflag.SliceValue.
func (p *prefixes) Replace(texts []string) error {
	*p = nil
	return setAll(p, texts)
}

// GetSlice implements pflag.SliceValue.
func (p *prefixes) GetSlice() []string { return nil }

func (p *prefixes) String() string { return "" }

// Type implements pflag.Value.
func (p *prefixes) Type() string { return "network" }

// contain reports whether addr is in one of the networks.
func (p prefixes) contain(addr netip.Addr) bool {
	return slices.ContainsFunc(p, func(prefix netip.Prefix) bool { return prefix.Contains(addr) })
}

func setAll(v pflag.Value, texts []string) error {
	for _, text := range texts {
		if err := v.Set(text); err != nil {
			return err
		}
	}
	return nil
}

// choice is a flag whose value is one of several words.
type choice[T comparable] struct {
	to     *T
	words  []string
	values []T // the value for each of words
}

// oneOf returns a choice whose values are the words.
func oneOf(to *string, words ...string) choice[string] { return choice[string]{to, words, words} }

// Set implements pflag.Value.
func (c choice[T]) Set(text string) error {
	i := slices.Index(c.words, text)
	if i < 0 {
		return fmt.Errorf("not one of %s", strings.Join(c.words, ", "))
	}
	*c.to = c.values[i]
	return nil
}

func (c choice[T]) String() string {
	if i := slices.Index(c.values, *c.to); i >= 0 {
		return c.words[i]
	}
	return ""
}

// Type implements pflag.Value.
func (c choice[T]) Type() string { return strings.Join(c.words, "|") }

// accounts is a flag for names and passwords. It may be repeated; the last password of a name applies.
type accounts map[string]string

// Set implements pflag.Value.
func (a *accounts) Set(text string) error {
	name, password, found := strings.Cut(text, ":")
	if !found || name == "" || password == "" {
		return errors.New("not name:password") // without text, which may be a password
	}
	if *a == nil {
		*a = make(accounts)
	}
	(*a)[name] = password
	return nil
}

// Append implements pflag.SliceValue.
func (a *accounts) Append(text string) error { return a.Set(text) }

// Replace implements pflag.SliceValue.
func (a *accounts) Replace(texts []string) error {
	*a = nil
	return setAll(a, texts)
}

// GetSlice implements pflag.SliceValue. It returns nothing, since the values are secret.
func (a *accounts) GetSlice() []string { return nil }

func (a *accounts) String() string { return "" }

// Type implements pflag.Value.
func (a *accounts) Type() string { return "name:password" }

// hash is a flag for a SHA-256 hash.
type hash []byte

// Set implements pflag.Value.
func (h *hash) Set(text string) error {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 32 {
		return errors.New("not 64 hexadecimal digits")
	}
	*h = b
	return nil
}

func (h *hash) String() string { return "" }

// Type implements pflag.Value.
func (h *hash) Type() string { return "hex" }
