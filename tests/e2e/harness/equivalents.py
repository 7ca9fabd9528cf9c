"""The same request in other spellings: RFC 9110 and 9112 let a client write it
in many ways, and a server must not distinguish them.

A Request is what to ask for. spell() writes it plainly, or in a way that a
random number generator picks: white space, case, order, lists over several
lines, targets, framing of the body, parts to be ignored.
"""

import random

HOSTS = ("hub", "HUB.example:8081", "127.0.0.1", "[::1]:80", "x.example:")
ORIGINS = ("http://hub", "HTTP://other.example:8080", "https://[2001:db8::7]",
           "hTTps://a-b.c:1", "http://127.0.0.1:65535")
EXTENSIONS = (b";a", b";a=b", b" ; a=\"b;c\"", b";\t a = b;d")

# What civetweb makes hubd refuse though it is a spelling like others: of a
# request, the answer to it, and a word of what that says.
LIMITS = {
    "chunk extensions": (400, "invalid_body", "extensions"),
    "Transfer-Encoding over several lines": (400, "invalid_request",
                                             "Transfer-Encoding"),
}


class Field:
    """A header. Its members are one value, or those of a list; `folds` says
    whether their case matters to nobody."""

    def __init__(self, name, *members, folds=False):
        self.name, self.members, self.folds = name, members, folds
        self.is_list = name in ("Connection", "Upgrade", "Expect", "Accept",
                                "Transfer-Encoding", "Content-Encoding",
                                "Sec-WebSocket-Extensions")


class Request:

    def __init__(self, method, path, *fields, body=None, chunked=False):
        self.method, self.path, self.fields = method, path, list(fields)
        self.body, self.chunked = body, chunked


def plain(request):
    """As most clients would send it."""
    lines = [f"{request.method} {request.path} HTTP/1.1", "Host: hub"]
    lines += [f"{field.name}: {', '.join(field.members)}"
              for field in request.fields]
    if request.chunked:
        lines.append("Transfer-Encoding: chunked")
    elif request.body is not None:
        lines.append(f"Content-Length: {len(request.body)}")
    body = request.body or b""
    if request.chunked:
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Speller:
    """Spells requests. `limit` is the one of LIMITS that the next one is to
    meet, if it can."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.limit = None

    def maybe(self, share=0.5):
        return self.random.random() < share

    def pick(self, *choices):
        return self.random.choice(choices)

    def blanks(self, most=3):
        return "".join(self.random.choices(" \t", k=self.random.randint(0,
                                                                        most)))

    def case(self, text):
        return "".join(self.pick(c.lower(), c.upper()) for c in text)

    # -- the head ---------------------------------------------------------

    def target(self, request):
        if request.path == "*" or self.maybe(0.7):
            return request.path
        return self.pick(*ORIGINS) + request.path

    def line(self, name, value):
        return f"{self.case(name)}:{self.blanks()}{value}{self.blanks()}"

    def split_list(self, members):
        """The members in one line or more, with empty ones between them."""
        lines = [[]]
        for member in members:
            while self.maybe(0.2):
                lines[-1].append("")
            if self.maybe(0.3):
                lines.append([])
            lines[-1].append(member)
        while self.maybe(0.2):
            lines[-1].append("")
        return [",".join(self.blanks(2) + member + self.blanks(2)
                         for member in line) for line in lines]

    def lines(self, field):
        members = [self.case(member) if field.folds else member
                   for member in field.members]
        if not field.is_list:
            return [self.line(field.name, members[0])]
        return [self.line(field.name, text)
                for text in self.split_list(members)]

    def coding(self):
        """civetweb wants to see it in the first of its lines."""
        chunked = self.case("chunked")
        if self.limit == "Transfer-Encoding over several lines":
            return [self.line("Transfer-Encoding", ""),
                    self.line("Transfer-Encoding", chunked)]
        members = [""] * self.random.randint(0, 2) + [chunked]
        members += [""] * self.random.randint(0, 2)
        return [self.line("Transfer-Encoding", ",".join(
            self.blanks(2) + member + self.blanks(2) for member in members))]

    def ignored(self):
        """Fields that change nothing."""
        fields = [Field("Cookie", self.pick("a=b", "a=\t;b=\"\t\"", "a=\xe9")),
                  Field("Accept", "text/html", "*/*;q=0.1"),
                  Field("X-Nothing", ""), Field("X-Other", "a, b\t c"),
                  Field("Content-Encoding", "identity", folds=True),
                  Field("User-Agent", "x/1 (a;\tb)")]
        return self.random.sample(fields, self.random.randint(0, 3))

    def groups(self, request):
        """The lines of each field; their order within it counts."""
        fields = request.fields + self.ignored()
        names = [field.name for field in fields]
        if "Connection" not in names and self.maybe(0.2):
            fields.append(Field("Connection", self.pick("close", "keep-alive"),
                                *self.pick((), ("x-nothing",)), folds=True))
        if request.body and self.maybe(0.2):
            fields.append(Field("Expect", "100-continue", folds=True))
        groups = [self.lines(field) for field in fields]
        groups.append([self.line("Host", self.pick(*HOSTS))])
        if request.chunked:
            groups.append(self.coding())
        elif request.body is not None:
            zeros = "0" * self.random.randint(0, 3)
            groups.append([self.line("Content-Length",
                                     f"{zeros}{len(request.body)}")])
        return groups

    def shuffled(self, groups):
        """In any order in which the lines of one group have their own."""
        order = [index for index, group in enumerate(groups) for _ in group]
        self.random.shuffle(order)
        rest = [list(group) for group in groups]
        return [rest[index].pop(0) for index in order]

    # -- the body ---------------------------------------------------------

    def chunk(self, data):
        size = self.case("0" * self.random.randint(0, 3) + f"{len(data):x}")
        extension = b""
        if self.limit == "chunk extensions":
            extension = self.pick(*EXTENSIONS)
        return size.encode() + extension + b"\r\n" + data

    def chunks(self, body):
        text = b""
        while body:
            count = self.random.randint(1, len(body))
            text += self.chunk(body[:count]) + b"\r\n"
            body = body[count:]
        return text + self.chunk(b"") + self.trailers() + b"\r\n"

    def trailers(self):
        if self.maybe(0.8):
            return b""
        lines = [self.line("X-Checksum", "1"), self.line("X-More", "")]
        return "".join(f"{line}\r\n" for line in lines).encode()

    # -- the whole --------------------------------------------------------

    def spell(self, request):
        lines = [f"{request.method} {self.target(request)} HTTP/1.1",
                 *self.shuffled(self.groups(request))]
        text = b"".join(self.pick(b"\r\n", b"\n") for _ in range(
            self.pick(0, 0, 0, 1, 2)))
        text += "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        if request.chunked:
            return text + self.chunks(request.body)
        return text + (request.body or b"")

    def segments(self, data):
        """The bytes in pieces."""
        if self.maybe(0.4):
            return [data]
        cuts = sorted(self.random.randint(0, len(data))
                      for _ in range(self.random.randint(1, 6)))
        return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)])
                if a < b]
