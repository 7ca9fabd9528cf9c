"""The base of the end-to-end tests: a real hubd and clients for it.

crowd     many clients that note the numbers of what they get
daemon    starts hubd on a port the kernel picks and always ends it
fakehub   a hub that makes mistakes on purpose
http      requests, by http.client or byte by byte
kernel    what the kernel holds for hubd's connections
netns     namespaces, and links between them that fail
page      Chromium with hubd's live page, worked like a person would
rawws     an RFC 6455 client that can break every rule
steady    those whom somebody else's fault must not touch
testcase  unittest classes that own the daemons and clients of a test
wait      conditions with deadlines, which sanitizers stretch
wire      a line that loses, delays and reorders packets
"""
