"""Every link between files of the project leads somewhere: check_links.py ROOT

Looks at all Markdown files. A target may be a file or a directory, with a
heading after a '#'. Code, and URLs with a scheme, are ignored.
"""

import pathlib
import re
import sys

SKIPPED = {"build", "node_modules", ".git"}
LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.M | re.S)
CODE = re.compile(r"`[^`\n]*`")
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.I)


def pages(root):
    for path in sorted(root.rglob("*.md")):
        if not SKIPPED.intersection(path.relative_to(root).parts):
            yield path


def text_of(path):
    return FENCE.sub("", path.read_text("utf-8"))


def anchors(path):
    """The headings, as web pages of repositories name them."""
    for heading in re.findall(r"^#+ +(.*)$", text_of(path), re.M):
        plain = re.sub(r"[^\w\s-]", "", heading.lower())
        yield re.sub(r"\s", "-", plain.strip())


def problem(page, target):
    file, _, anchor = target.partition("#")
    path = (page.parent / file).resolve() if file else page
    if not path.exists():
        return "is not there"
    if anchor and path.suffix == ".md" and anchor not in set(anchors(path)):
        return "has no such heading"
    return None


def main(root):
    links, wrong = 0, 0
    for page in pages(root):
        # `[label](target)` is code, [`label`](target) is a link.
        text = CODE.sub(lambda code: "" if "](" in code[0] else code[0],
                        text_of(page))
        for target in LINK.findall(text):
            if SCHEME.match(target):
                continue
            links += 1
            why = problem(page, target)
            if why:
                wrong += 1
                print(f"{page.relative_to(root)}: {target} {why}")
    print(f"{links} links, {wrong} wrong")
    return links == 0 or wrong > 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
