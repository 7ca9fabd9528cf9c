#!/usr/bin/env python3
"""Gives Doxygen a public header in its own words; the header keeps its plain
comments.

    filter.py include/hub/hub.h

A comment in front of a declaration, or behind a field or a constant, documents
it. `Threads:`, `Owns:` and `Returns:` become headings, what ` · ` separates a
list, banners such as `Errors. ----` groups. Lists of constants that the header
makes with a macro are written out.
"""

import pathlib
import re
import sys

COMMENT = re.compile(r"/\*(.*?)\*/", re.DOTALL)
BANNER = re.compile(r"\s*(.*?)\.? -{4,}\s*")
HOUSE_LINE = re.compile(
    r"(?:^|(?<=\.)  +)((?:Threads|Owns|Returns)(?:, \w+)*): +", re.MULTILINE)
MAP = re.compile(r"#define (HUB_\w+_MAP)\(X\)((?:.*\\\n)+.*\n)")
ENTRY = re.compile(r'X\((\w+), (?:(-?\d+), )?"(.*?)"\)(?: */\* (.*?) \*/)?')
PAIR = re.compile(r"^( +)(\w+) (\w+), (\w+);( +/\*.*?\*/)",
                  re.MULTILINE | re.DOTALL)
USE = re.compile(r"#define (\w+)\(.*\n +(HUB_\w+_MAP)\(\1\)\n#undef \1\n")


def words_of(comment):
    """The text of a comment, without what draws its left edge."""
    return re.sub(r"^ \* ?", "", comment, flags=re.MULTILINE).strip()



def link_constants(text):
    """Doxygen finds functions and structs by itself."""
    return re.sub(r"(?<![\w`])HUB_[A-Z_]+\b", r"#\g<0>", text)


def body_of(text):
    """House lines with a heading each, alternatives as lists."""
    parts = HOUSE_LINE.split(text)
    shown = parts[0]
    for heading, said in zip(parts[1::2], parts[2::2]):
        said = re.sub(r"\s*·\s*", "\n- ", said.strip())
        if "\n- " in said:
            said = re.sub(r"^- (HUB_\w+) (?=\S)", r"- \1 – ", "- " + said,
                          flags=re.MULTILINE)
        shown += f"\n@par {heading}\n{said}\n"
    return link_constants(shown)


def opening_of(name, text):
    """The comment a file opens with; what is indented there is a table."""
    brief, _, rest = text.partition("\n\n")
    brief = brief.partition(" - ")[2]
    rest = re.sub(r"((?:^  .*\n?)+)", r"\n@verbatim\n\1@endverbatim\n", rest,
                  flags=re.MULTILINE)
    title = brief.rstrip(".").capitalize()
    shown = f"/** @file {name}\n@brief {brief}\n*/\n"
    if rest:
        shown += f"/** @mainpage {title}\n{rest}\n*/\n"
    return shown


class Filter:

    def __init__(self, path):
        self.name = "hub/" + path.name
        self.text = path.read_text("utf-8")
        self.group = None

    def write_out_maps(self):
        """X-macros become the constants they stand for."""
        entries = {name: ENTRY.findall(body)
                   for name, body in MAP.findall(self.text)}

        def constants(use):
            lines = []
            for name, value, text, comment in entries[use[2]]:
                said = f'"{text}": {comment}' if comment else text
                equals = f" = {value}" if value else ""
                lines.append(f"    {name}{equals}, /* {said} */\n")
            return "".join(lines)

        self.text = USE.sub(constants, self.text)
        self.text = MAP.sub(r"#define \1(X)\n", self.text)

    def close_group(self):
        shown = "/** @} */\n" if self.group else ""
        self.group = None
        return shown

    def open_group(self, title):
        closing = self.close_group()
        self.group = re.sub(r"\W+", "_", title).strip("_").lower()
        return f"{closing}/** @defgroup {self.group} {title}\n@{{ */\n"

    def replace(self, match):
        before = self.text[self.text.rfind("\n", 0, match.start()) + 1:
                           match.start()]
        after = self.text[match.end():match.end() + 2]
        text = words_of(match[1])
        if match.start() == 0:
            return opening_of(self.name, text)
        banner = BANNER.fullmatch(match[1])
        if banner:
            return self.open_group(banner[1])
        if before.strip() and not before.lstrip().startswith("#pragma"):
            return f"/**< {body_of(text)} */"
        if after.startswith("\n") and after != "\n\n":
            return f"/** {body_of(text)} */"
        return match[0]

    def run(self):
        self.write_out_maps()
        self.text = PAIR.sub(r"\1\2 \3;\5\n\1\2 \4;\5", self.text)
        shown = COMMENT.sub(self.replace, self.text)
        end = shown.rfind("#ifdef __cplusplus")
        return shown[:end] + self.close_group() + shown[end:]


if __name__ == "__main__":
    sys.stdout.write(Filter(pathlib.Path(sys.argv[1])).run())
