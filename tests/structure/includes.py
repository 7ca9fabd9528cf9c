"""Which folder of libhub/ and hubd/ may include which, and other rules for
includes. violations() says which line breaks which rule.
"""

import collections
import pathlib
import re

# A folder knows itself and what stands here; "" is the top. Outside of this
# there are the C library and <hub/...>, which everybody may include.
LIBHUB = {
    "base": (),
    "ws": ("base",),
    "directory": ("base",),
    "message": ("base", "ws"),
    "loop": ("base", "ws", "directory", "message"),
    "": ("base", "ws", "directory", "message", "loop"),
}
HUBD = {
    "base": (),
    "resources": ("base",),
    "config": ("base", "resources"),
    "front": ("base", "resources", "config"),
    "outbound": ("base", "resources", "config"),
    "access": ("base", "resources", "config", "front", "outbound"),
    "observe": ("base", "resources", "config", "front", "outbound", "access"),
    "api": ("base", "resources", "config", "front", "outbound", "access",
            "observe"),
    "": ("base", "resources", "config", "front", "outbound", "access",
         "observe", "api"),
}
COMPONENTS = {"libhub": LIBHUB, "hubd": HUBD}

# Headers of other libraries, and where alone they may be included.
LIBRARIES = {
    "civetweb.h": "hubd/front",
    "cjson/cJSON.h": "hubd",
    "liburing.h": "libhub/loop",
    "curl/curl.h": "hubd/outbound",
    **dict.fromkeys(("openssl/core_names.h", "openssl/ecdsa.h",
                     "openssl/err.h", "openssl/evp.h",
                     "openssl/param_build.h", "openssl/pem.h",
                     "openssl/rsa.h", "openssl/x509.h"), "hubd/access"),
}

# Of libhub no file may lead back to itself, a header and its source being one;
# and these are one with the file that they are a part of.
PARTS = {"libhub/loop/sender_uring": "libhub/loop/sender"}

SUFFIXES = {".c", ".h"}
INCLUDE = re.compile(r'\s*#\s*include\s*(?:"([^"]*)"|<([^>]*)>|(.*))')
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|("(?:\\.|[^"\\\n])*")', re.S)

Violation = collections.namedtuple("Violation", "file line rule")
Include = collections.namedtuple("Include", "file line quoted angled other")


def without_comments(text):
    """Lines keep their numbers, strings stay."""
    return COMMENT.sub(
        lambda found: found[1] or "\n" * found[0].count("\n"), text)


def includes_of(root, path):
    text = without_comments(path.read_text("utf-8"))
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield Include(path.relative_to(root).as_posix(), number,
                          *found.groups())


def files_of(root, component):
    return sorted(path for path in (root / component).rglob("*")
                  if path.suffix in SUFFIXES)


def folder_of(file):
    """libhub/loop/conn.c: loop. Of files at the top: nothing."""
    parts = file.split("/")
    return parts[1] if len(parts) > 2 else ""


def judge_quoted(root, component, include):
    """Returns the rule that an include of the component's own breaks."""
    target = f"{component}/{include.quoted}"
    folder, other = folder_of(include.file), folder_of(target)
    if not (root / target).is_file():
        return (f'"{include.quoted}" is no path from {component}/ to a file '
                "of its own")
    if folder == other or other in COMPONENTS[component][folder]:
        return None
    if other == "":
        return f'"{include.quoted}" is for files at the top only'
    known = ", ".join(COMPONENTS[component][folder]) or "nothing of its own"
    return (f'"{include.quoted}" is in {other}/; {folder}/ may include '
            f"{known}")


def judge_angled(root, component, include):
    for other in COMPONENTS:
        if (root / other / include.angled).is_file():
            return f"<{include.angled}> is {other}/'s own"
    allowed = LIBRARIES.get(include.angled, component)
    if f"{include.file}/".startswith(f"{allowed}/"):
        return None
    return f"<{include.angled}> is for {allowed}/ only"


def judge(root, component, include):
    if folder_of(include.file) not in COMPONENTS[component]:
        return "a folder that has no rule"
    if include.quoted is not None:
        return judge_quoted(root, component, include)
    if include.angled is not None:
        return judge_angled(root, component, include)
    return f"{include.other} cannot be followed"


def module_of(file):
    module = file.rsplit(".", 1)[0]
    return PARTS.get(module, module)


def circles(includes):
    """For each module that leads back to itself, one include that does so."""
    edges = collections.defaultdict(dict)
    for include in includes:
        if include.file.startswith("libhub/") and include.quoted is not None:
            target = module_of(f"libhub/{include.quoted}")
            if target != module_of(include.file):
                edges[module_of(include.file)].setdefault(target, include)
    for module in sorted(edges):
        for target, include in edges[module].items():
            if leads_to(edges, target, module):
                yield Violation(include.file, include.line,
                                f'"{include.quoted}" leads back to here')


def leads_to(edges, start, goal):
    seen, left = set(), [start]
    while left:
        module = left.pop()
        if module == goal:
            return True
        if module not in seen:
            seen.add(module)
            left.extend(edges.get(module, ()))
    return False


def violations(root):
    found, includes = [], []
    for component in COMPONENTS:
        for path in files_of(root, component):
            for include in includes_of(root, path):
                includes.append(include)
                rule = judge(root, component, include)
                if rule:
                    found.append(Violation(include.file, include.line, rule))
    return sorted(found + list(circles(includes)))


if __name__ == "__main__":
    for violation in violations(pathlib.Path(__file__).parents[2]):
        print("{}:{}: {}".format(*violation))
