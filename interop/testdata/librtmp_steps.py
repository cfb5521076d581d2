# The steps of TestSameStepsAsLibrtmp, with python-librtmp. The argument is the server's URL.
import sys

import librtmp
from librtmp import RTMPPacket, PACKET_SIZE_LARGE, PACKET_SIZE_MEDIUM, PACKET_TYPE_INFO, PACKET_TYPE_INVOKE
from librtmp.amf import encode_amf

conn = librtmp.RTMP(sys.argv[1] + " pageUrl=http://example.com/a\\20page buffer=4000",      # 1 2
                    swfurl="http://example.com/player.swf", subscribe="channel",                   # 3 4
                    connect_data=[True, "text", 15, None, {"a": "b", "n": 1, "t": False}])    # 5
conn.set_option("flashver", "LNX 11,2,202,235")                                               # 6
conn.set_option("conn", "N:1.5")                                                              # 7
conn.set_option("app", "renamed")                                                             # 8


@conn.invoke_handler("MyMath.MyAdd")                                                          # 9
def add(x, y):
    return x + y


@conn.invoke_handler
def silent(*args):                                                                            # 10
    return None


assert not conn.connected
conn.connect().result()                                                                       # 11
assert conn.connected
assert conn.call("echo", 1.5).result() == 1.5                                                 # 12
assert conn.call("echo", "text").result() == "text"                                           # 13
conn.call("nothing")                                                                          # 14
conn.call("many", True, None, "a", -3, [1, "b"]).result()                                     # 15
conn.call("object", {"k": "v"}, obj={"o": 1.0}).result()                                      # 16
conn.call("numbered", transaction_id=77).result()                                             # 17
conn.call("long", "x" * 300).result()                                                         # 18, in three chunks
conn.call("elsewhere", 1, channel=8, format=PACKET_SIZE_LARGE).result()                       # 19
assert conn.remote_method("echo", block=True)("remote") == "remote"                           # 20
conn.remote_method("echo")("not waited for").result()                                         # 21
conn.call("callMeBack")                                                                       # 22: it calls MyMath.MyAdd(20, 22), silent(), tell("a", 5)
assert conn.process_packets(invoked_method="tell") == ["a", 5.0]                              # 23
conn.send_packet(RTMPPacket(type=PACKET_TYPE_INFO, format=PACKET_SIZE_LARGE, channel=4,       # 24
                            body=encode_amf("onSomething") + encode_amf(7)))
conn.send_packet(RTMPPacket(type=PACKET_TYPE_INVOKE, format=PACKET_SIZE_MEDIUM, channel=3,    # 25
                            body=encode_amf("byHand") + encode_amf(0) + encode_amf(None) + encode_amf("x")))
conn.call("ping me")                                                                          # 26: a ping arrives, and
packet = conn.read_packet()                                                                   # 27
while packet.type != 4:
    conn.handle_packet(packet)
    packet = conn.read_packet()
conn.handle_packet(packet)                                                                    # 28
stream = conn.create_stream(update_buffer=False)                                              # 29
assert len(stream.read(1024)) > 0                                                             # 30
stream.update_buffer(9000)                                                                    # 31
conn.call("last").result()                                                                    # 32
stream.close()                                                                                # 33
