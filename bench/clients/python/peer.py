#!/usr/bin/python3
"""Drives python-librtmp: peer.py pull URL, conn URL N, or rpc URL N. One JSON line about the outcome goes to stdout."""
import sys
import time

import librtmp


def pull(url):
    conn = librtmp.RTMP(url)
    conn.connect()
    stream = conn.create_stream()
    n = 0
    while True:
        data = stream.read(64 * 1024)
        if not data:
            break
        n += len(data)
    print('{"flv":%d}' % n)


def report(d, secs):
    d.sort()
    n = len(d)
    print('{"n":%d,"secs":%.4f,"p50_us":%.1f,"p99_us":%.1f}' % (n, secs, d[n // 2] * 1e6, d[n * 99 // 100] * 1e6))


def conn(url, n):
    d, t0 = [], time.monotonic()
    for _ in range(n):
        t = time.monotonic()
        c = librtmp.RTMP(url, live=True)
        c.connect()
        s = c.create_stream()
        s.close()
        d.append(time.monotonic() - t)
    report(d, time.monotonic() - t0)


def rpc(url, n):
    c = librtmp.RTMP(url, live=True)
    c.connect().result()
    d, t0 = [], time.monotonic()
    for i in range(n):
        t = time.monotonic()
        r = c.call("echo", "hello", float(i)).result()
        assert r == "hello", r
        d.append(time.monotonic() - t)
    report(d, time.monotonic() - t0)
    c.close()


if __name__ == "__main__":
    op, url = sys.argv[1:3]
    if op == "pull":
        pull(url)
    else:
        {"conn": conn, "rpc": rpc}[op](url, int(sys.argv[3]))
