package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/go-librtmp/rtmp/server"
)

// metric is a metric of the server for Prometheus. No label contains the name of a stream, since names are keys.
type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*server.Stats) float64
}

func newMetric(name, help string, kind prometheus.ValueType, value func(*server.Stats) float64) metric {
	return metric{prometheus.NewDesc("rtmp_"+name, help, nil, nil), kind, value}
}

var serverMetrics = []metric{
	newMetric("connections", "Connections and HTTP viewers.", prometheus.GaugeValue,
		func(s *server.Stats) float64 { return float64(s.Conns) }),
	newMetric("publishers", "Streams that are being published.", prometheus.GaugeValue, func(s *server.Stats) float64 { return float64(s.Publishers) }),
	newMetric("players", "Players of streams and files.", prometheus.GaugeValue, func(s *server.Stats) float64 { return float64(s.Players) }),
	newMetric("tunnels", "RTMPT connections.", prometheus.GaugeValue, func(s *server.Stats) float64 { return float64(s.Tunnels) }),
	newMetric("streams", "Streams that are published or have players.", prometheus.GaugeValue,
		func(s *server.Stats) float64 { return float64(len(s.Streams)) }),
	newMetric("backlog_bytes", "Memory used by streams.", prometheus.GaugeValue, backlog),
	newMetric("missed_messages", "Messages of the current streams that slow players have missed.", prometheus.GaugeValue,
		func(s *server.Stats) float64 { return float64(s.Dropped) }),
	newMetric("received_bytes_total", "Bytes received.", prometheus.CounterValue, func(s *server.Stats) float64 { return float64(s.BytesIn) }),
	newMetric("sent_bytes_total", "Bytes sent.", prometheus.CounterValue, func(s *server.Stats) float64 { return float64(s.BytesOut) }),
	newMetric("refused_total", "Connections, connects, publishes and plays refused.", prometheus.CounterValue,
		func(s *server.Stats) float64 { return float64(s.Refused) }),
}

func backlog(s *server.Stats) (bytes float64) {
	for _, stream := range s.Streams {
		bytes += float64(stream.Backlog)
	}
	return bytes
}

// collector collects the server's metrics.
type collector struct{ server *server.Server }

// Describe implements prometheus.Collector.
func (c collector) Describe(descs chan<- *prometheus.Desc) {
	for _, m := range serverMetrics {
		descs <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(metrics chan<- prometheus.Metric) {
	stats := c.server.Stats()
	for _, m := range serverMetrics {
		metrics <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(&stats))
	}
}

// newMetrics returns a handler that serves the metrics of the server, the process and the Go runtime.
func newMetrics(srv *server.Server) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{srv}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}
