package main

import (
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
)

// printURLs prints the URLs at which the server can be used.
func (s *settings) printURLs(w io.Writer, d *daemon) {
	app := "live"
	if names := slices.DeleteFunc(slices.Sorted(maps.Keys(s.apps)), func(name string) bool { return name == "*" }); len(names) > 0 &&
		(!s.otherApps || !slices.Contains(names, app)) {
		app = names[0]
	}
	of := s.apps[app]
	if of == nil {
		of = &s.app
	}
	base := "rtmp://" + shown(d.addrs["rtmp"], "rtmp") + "/" + app
	key := "NAME"
	if of.keys != "" {
		key = "NAME?key=KEY"
	}
	user := base
	if len(of.users) > 0 {
		user = strings.Replace(base, "://", "://USER:PASSWORD@", 1)
	}
	var lines [][2]string
	add := func(what, format string, args ...any) {
		lines = append(lines, [2]string{what, fmt.Sprintf(format, args...)})
	}
	add("OBS", "server %s, stream key %s", base, key)
	add("ffmpeg", "ffmpeg -re -i FILE -c copy -f flv '%s/%s'", user, key)
	add("ffplay", "ffplay %s/NAME", base)
	add("rtmpdump", "rtmpdump -r %s/NAME --live -o FILE.flv", base)
	if addr := d.addrs["rtmps"]; addr != nil {
		add("RTMPS", "rtmps://%s/%s/NAME", shown(addr, "rtmps"), app)
	}
	for _, scheme := range []string{"http", "https"} {
		if addr := d.addrs[scheme]; addr != nil {
			address := "://" + shown(addr, scheme) + "/"
			add("browser", "%s%s", scheme, address)
			add("HTTP-FLV", "%s%s%s/NAME.flv, and %s%s%s/NAME.flv", scheme, address, app, strings.Replace(scheme, "http", "ws", 1), address, app)
		}
	}
	if of.root != "" {
		add("files", "%s/FILE plays %s", base, of.root+"/"+app+"/FILE.flv")
	}
	if others := addresses(d.addrs["rtmp"]); len(others) > 0 {
		add("elsewhere", "replace localhost by %s", strings.Join(others, " or "))
	}
	for _, line := range lines {
		fmt.Fprintf(w, "%-10s %s\n", line[0], line[1])
	}
}

// usualPorts are the default ports of schemes, which URLs may omit.
var usualPorts = map[string]string{"rtmp": "1935", "rtmps": "443", "rtmpt": "80", "rtmpts": "443", "http": "80", "https": "443"}

// shown returns an address in the form in which a URL on this machine contains it.
func shown(a net.Addr, scheme string) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return strings.TrimSuffix(net.JoinHostPort(host, port), ":"+usualPorts[scheme])
}

// maxAddresses is the maximum number of this machine's addresses that are shown.
const maxAddresses = 3

// addresses returns the addresses of this machine at which other machines can reach a listener.
func addresses(a net.Addr) (found []string) {
	if tcp, ok := a.(*net.TCPAddr); !ok || !tcp.IP.IsUnspecified() {
		return nil
	}
	all, _ := net.InterfaceAddrs()
	for _, one := range all {
		if network, ok := one.(*net.IPNet); ok && network.IP.IsGlobalUnicast() && len(found) < maxAddresses {
			found = append(found, strings.TrimSuffix(net.JoinHostPort(network.IP.String(), ""), ":"))
		}
	}
	return found
}
