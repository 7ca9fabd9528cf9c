"""What the end-to-end tests stand on: a real hubd and clients for it.

daemon    starts hubd on a port the kernel picks and always ends it
http      requests, by http.client or byte by byte
kernel    what the kernel holds for hubd's connections
rawws     an RFC 6455 client that can break every rule
testcase  unittest classes that own the daemons and clients of a test
wait      conditions with deadlines, which sanitizers stretch
"""
