# The steps of TestSameStepsAsLibrtmp with python-librtmp. Arguments: the session (one of the functions), the server's
# URL, and an FLV file to publish. The functions of the same name in librtmp_test.go are these steps with this library.
import sys

import librtmp
from librtmp import PACKET_SIZE_LARGE, PACKET_SIZE_MEDIUM, PACKET_TYPE_INFO, PACKET_TYPE_INVOKE, RTMPPacket
from librtmp.amf import AMFObject, decode_amf, encode_amf


def body(*values):
    return b"".join(map(encode_amf, values))


def handle_until(conn, wanted):
    """Reads and handles packets, the last of them being one that is wanted."""
    while True:
        packet = conn.read_packet()
        conn.handle_packet(packet)
        if wanted(packet):
            return


def command(name):
    return lambda packet: packet.type == PACKET_TYPE_INVOKE and decode_amf(packet.body)[0] == name


def status(code):
    def wanted(packet):
        return command("onStatus")(packet) and decode_amf(packet.body)[3]["code"] == code
    return wanted


def recorded(url, _):
    # options
    conn = librtmp.RTMP("rtmp://127.0.0.1:1/first/one", swfurl="http://example.com/player.swf",     # 1
                        connect_data=[True, "text", 15, None, {"a": "b", "n": 1, "t": False}],     # 2
                        subscribe="channel", jtv="ticket", start=1000, stop=9000)                   # 3
    first = conn.url  # librtmp goes on pointing into it
    conn.setup_url(url + " pageUrl=http://example.com/a\\20page buffer=4000 conn=S:last\\20one")    # 4
    conn.set_option("flashver", "LNX 11,2,202,235")                                                 # 5
    conn.set_option("conn", "N:1.5")                                                                # 6
    for item in "O:1", "NS:s:in", "NO:deep:1", "NN:n:2", "O:0", "NB:b:1", "O:0":
        conn.set_option("conn", item)                                                               # 7
    conn.set_option("playlist", "yes")                                                              # 8
    conn.set_option("timeout", 20)                                                                  # 9

    # methods for the server
    @conn.invoke_handler("MyMath.MyAdd")                                                            # 10
    def add(x, y):
        return x + y

    @conn.invoke_handler("describe")                                                                # 11
    def describe(*args):
        return AMFObject([("count", len(args)), ("all", list(args)), ("by name", {"yes": True})])

    @conn.invoke_handler
    def silent(*args):                                                                              # 12
        return None

    def welcome(name):
        conn.call("welcomed", name)
    conn.register_invoke_handler("welcome", welcome)                                                # 13

    # calls
    assert not conn.connected
    conn.connect().result()                                                                         # 14
    assert conn.connected
    assert conn.call("echo", 1.5).result() == 1.5                                                   # 15: welcome("you") comes first
    assert conn.call("echo", "za\u017c\u00f3\u0142\u0107 \u20ac").result() == "za\u017c\u00f3\u0142\u0107 \u20ac"  # 16
    conn.call("unanswered")                                                                         # 17
    conn.call("many", True, False, None, "", "a", -3, 1e300, float("inf"), 2**53).result()          # 18
    conn.call("nested", AMFObject([("b", 1), ("a", [1, "b", {"k": None}])]), {"z": 1, "a": AMFObject()}, []).result()  # 19
    conn.call("object", {"k": "v"}, obj={"o": 1.0}).result()                                        # 20
    conn.call("numbered", transaction_id=77).result()                                               # 21
    conn.call("long", "x" * 300).result()                                                           # 22: three chunks
    conn.call("longer", "x" * 70000).result()                                                       # 23: AMF's long string
    conn.call("elsewhere", 1, channel=8, format=PACKET_SIZE_LARGE).result()                         # 24
    assert conn.remote_method("echo", block=True)("remote") == "remote"                             # 25
    assert conn.remote_method("echo")("not blocking").result() == "not blocking"                    # 26
    refused = conn.call("refuse me")                                                                # 27
    conn.call("echo", "after it").result()                                                         # 28
    conn.call("saw", "refused", refused.done)                                                       # 29
    for kind in "number", "boolean", "string", "null", "object", "undefined", "date", "array", "map":
        conn.call("saw", kind, conn.call("give", kind).result())                                    # 30

    # calls of the server
    conn.call("call me back")                                                                       # 31: MyMath.MyAdd(20, 22), describe(1, "b"), ping()
    assert conn.process_packets(invoked_method="tell") == ["a", 5.0]                                # 32
    conn.call("call me in vain")                                                                    # 33: silent(), nobody()
    assert conn.process_packets(invoked_method="tell") == ["b", 6.0]                                # 34

    # packets
    conn.send_packet(RTMPPacket(type=PACKET_TYPE_INFO, format=PACKET_SIZE_LARGE, channel=4,         # 35
                                timestamp=100, body=body("onSomething", 7)))
    conn.send_packet(RTMPPacket(type=PACKET_TYPE_INFO, format=PACKET_SIZE_MEDIUM, channel=4,        # 36
                                timestamp=140, body=body("onDelta")))
    conn.send_packet(RTMPPacket(type=PACKET_TYPE_INFO, format=PACKET_SIZE_MEDIUM, channel=4,        # 37
                                timestamp=1 << 24, absolute_timestamp=True, body=body("onExtended")))
    conn.send_packet(RTMPPacket(type=PACKET_TYPE_INVOKE, format=PACKET_SIZE_MEDIUM, channel=3,      # 38
                                body=body("byHand", 0, None, "x")))
    conn.send_packet(RTMPPacket(type=PACKET_TYPE_INFO, format=PACKET_SIZE_MEDIUM, channel=70,       # 39: a header of two bytes
                                body=body("elsewhere", [True])))
    conn.call("ping me")
    handle_until(conn, lambda packet: packet.type == 4)                                             # 40
    conn.call("measure")                                                                            # 41: onBWDone and what follows
    handle_until(conn, command("_onbwdone"))

    # a stream
    stream = conn.create_stream(update_buffer=False)                                                # 42
    assert len(stream.read(1024)) > 0                                                               # 43
    stream.seek(3000)                                                                               # 44
    handle_until(conn, status("NetStream.Seek.Notify"))
    handle_until(conn, lambda packet: packet.type == 9)                                             # 45
    stream.pause()                                                                                  # 46
    handle_until(conn, status("NetStream.Pause.Notify"))
    stream.unpause()                                                                                # 47
    handle_until(conn, status("NetStream.Unpause.Notify"))
    stream.update_buffer(9000)                                                                      # 48
    conn.call("last").result()                                                                      # 49
    stream.close()                                                                                  # 50
    assert not conn.connected                                                                       # 51


def live(url, _):  # everything as it is by default
    conn = librtmp.RTMP(url, live=True)
    conn.connect()
    conn.create_stream().close()


def packet(url, _):  # a connect of the caller's making, and no stream
    conn = librtmp.RTMP(url)
    mine = RTMPPacket(PACKET_TYPE_INVOKE, PACKET_SIZE_LARGE, 3,  # a variable, since connect lets go of it before it sends
                      body=body("connect", 1, AMFObject([("app", "mine"), ("extra", {"deep": [1]})]), "more"))
    conn.connect(mine).result()
    conn.call("echo", 1).result()
    conn.close()


def publish(url, file):
    conn = librtmp.RTMP(url, app="renamed")
    conn.connect().result()
    stream = conn.create_stream(writeable=True)
    with open(file, "rb") as f:
        stream.write(f.read())
    stream.close()


globals()[sys.argv[1]](*sys.argv[2:])
