"""packaging/completions, tested in the shells themselves: each flag of --help,
and the words that a flag takes."""

import os
import pathlib
import pty
import re
import select
import subprocess
import tempfile
import time

from harness.testcase import Assertions
from harness.wait import HUBD, ROOT, scaled

import unittest

COMPLETIONS = ROOT / "packaging" / "completions"
PROGRAMS = {"hubd": HUBD, "hub-bench": os.environ["HUB_BENCH"]}
WORDS = {"sender": ["auto", "sendmsg", "uring"],
         "slow-consumer": ["close", "drop-newest", "drop-oldest"],
         "log-level": ["debug", "error", "info", "warn"],
         "log-format": ["json", "text"],
         "console": ["off", "on"]}
# Tells what it was called with, once somebody presses Enter.
STAND_IN = """#!/bin/sh
[ "$1" = --help ] && exec {program} --help
echo "called:$*:"
"""
BASH = """
shopt -u progcomp_alias
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
"_${1//-/_}" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def flags_of(name):
    """Long flags as --help begins a line with them."""
    text = subprocess.run([PROGRAMS[name], "--help"], text=True, check=True,
                          capture_output=True).stdout
    return set(re.findall(r"^ +(?:[A-Z_]+, |-., )?--([a-z-]+)", text,
                          re.MULTILINE))


class Terminal:
    """An interactive shell that is typed into."""

    def __init__(self, command, environment):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, environment)
        self.shown = ""

    def type(self, text, wanted, seconds=10):
        """Types, and reads until the pattern is shown. Returns the match."""
        self.shown = ""
        os.write(self.fd, text.encode())
        end = time.monotonic() + scaled(seconds)
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.1)[0]:
                self.shown += os.read(self.fd, 4096).decode(errors="replace")
            found = re.search(wanted, self.shown)
            if found:
                return found
        raise AssertionError(f"no {wanted!r} in {self.shown!r}")

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


class ShellCase(Assertions):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="hub-completions-")
        self.addCleanup(scratch.cleanup)
        self.home = pathlib.Path(scratch.name)
        for name, program in PROGRAMS.items():
            stand_in = self.home / name
            stand_in.write_text(STAND_IN.format(program=program))
            stand_in.chmod(0o755)
        (self.home / "key file").touch()
        self.environment = {"PATH": f"{self.home}:{os.environ['PATH']}",
                            "HOME": scratch.name, "TERM": "dumb",
                            "LC_ALL": "C.UTF-8"}

    def run_shell(self, *command):
        done = subprocess.run(command, env=self.environment, cwd=self.home,
                              text=True, capture_output=True, check=True,
                              timeout=scaled(30))
        self.assertEqual(done.stderr, "")
        return done.stdout.splitlines()

    def check_typing(self, shell, prepare):
        """TAB in a shell that somebody uses."""
        terminal = Terminal(shell, self.environment)
        self.addCleanup(terminal.close)
        terminal.type(prepare + "; cd; echo re''ady\r", "ready", 60)
        for keys, wanted in {
                "hubd --sen\tur\t": "--sender=uring",
                "hubd --slow-c\tdrop-o\t--por\t1": "--slow-consumer="
                                                  "drop-oldest --port=1",
                "hubd --api-key-fi\t./key\t": "--api-key-file=./key file",
                "hub-bench --unt\tacc\t": "--until=accepted"}.items():
            with self.subTest(keys):
                called = terminal.type(keys + "\r", r"called:(.*):\r")
                self.assertEqual(called[1].strip(), wanted)


class Bash(ShellCase):

    def complete(self, *words):
        file = COMPLETIONS / f"{words[0]}.bash"
        return self.run_shell("bash", "-c", BASH, "bash", str(file), *words)

    def test_every_flag_of_hubd(self):
        offered = self.complete("hubd", "--")
        self.assertEqual({flag[2:].rstrip("=") for flag in offered},
                         flags_of("hubd"))
        self.assertEqual({f for f in offered if not f.endswith("=")},
                         {"--help", "--version", "--check-config",
                          "--check-token"})
        self.assertEqual(len(offered), len(set(offered)))

    def test_every_flag_of_hub_bench(self):
        offered = self.complete("hub-bench", "--")
        self.assertEqual({flag[2:].rstrip("=") for flag in offered},
                         flags_of("hub-bench"))
        self.assertEqual(len(offered), len(set(offered)))
        self.assertEqual(self.complete("hub-bench", "--until", "=", "d"),
                         ["delivered"])

    def test_words_of_a_flag_however_it_is_written(self):
        for flag, words in WORDS.items():
            for given in (("--" + flag, "="), ("--" + flag, "=", ""),
                          ("--" + flag, "")):
                with self.subTest(given):
                    self.assertEqual(sorted(self.complete("hubd", *given)),
                                     words)
            whole = self.complete("hubd", f"--{flag}={words[0][:2]}")
            self.assertEqual(whole, [f"--{flag}={words[0]}"])

    def test_files_where_a_path_is_taken(self):
        for flag in ("--api-key-file", "--allowed-origins-file"):
            self.assertEqual(self.complete("hubd", flag, "key"), ["key file"])

    def test_nothing_where_anything_is_taken(self):
        for flag in ("--port", "--api-key", "--bind", "--trusted-proxies"):
            self.assertEqual(self.complete("hubd", flag, "="), [""])
            self.assertEqual(self.complete("hubd", flag, "k"), [""])

    def test_typing(self):
        files = " ".join(f"{COMPLETIONS}/{name}.bash" for name in PROGRAMS)
        self.check_typing(
            ["bash", "--norc", "--noprofile", "-i"],
            f"PS1='$ '; for f in {files}; do source $f; done")


class Zsh(ShellCase):
    SPECS = """
    _call_program() { shift; "$@" }
    _arguments() { print -rl -- "$@" }
    words=($2)
    source $1
    """

    def setUp(self):
        super().setUp()
        self.require("zsh")

    def test_every_flag(self):
        for name in PROGRAMS:
            specs = self.run_shell("zsh", "-fc", self.SPECS, "zsh",
                                   str(COMPLETIONS / f"_{name}"), name)
            flags = re.findall(r"^--([a-z-]+)=?\[", "\n".join(specs),
                               re.MULTILINE)
            self.assertEqual(set(flags), flags_of(name))
            self.assertEqual(len(flags), len(set(flags)))
            for spec in specs:  # meanings are told to their ends
                self.assertNotRegex(spec, r"[^\[](?:,|\bor|\bof|\bURL)\]")

    def test_typing(self):
        self.check_typing(
            ["zsh", "-f", "-i"],
            f"PS1='$ '; fpath=({COMPLETIONS} $fpath);"
            " autoload -Uz compinit; compinit -D -u")


class Fish(ShellCase):

    def setUp(self):
        super().setUp()
        self.require("fish")

    def offer(self, line):
        return self.run_shell(
            "fish", "--no-config", "-c", "set fish_complete_path $argv[1];"
            " complete -C $argv[2]", str(COMPLETIONS), line)

    def complete(self, line):
        return [entry.partition("\t")[0] for entry in self.offer(line)]

    def test_meanings_are_told_to_their_ends(self):
        self.assertEqual(self.offer("hub-bench --unt"), [
            "--until\tend of a flight: delivered, to every client, or accepted,"
            " by the HTTP response (delivered)"])

    def test_every_flag(self):
        for name in PROGRAMS:
            offered = self.complete(f"{name} --")
            self.assertEqual({flag[2:] for flag in offered}, flags_of(name))

    def test_words_of_a_flag(self):
        for flag, words in WORDS.items():
            self.assertEqual(sorted(self.complete(f"hubd --{flag} ")), words)
            self.assertEqual(self.complete(f"hubd --{flag}={words[0][:2]}"),
                             [f"--{flag}={words[0]}"])
        self.assertEqual(self.complete("hub-bench --until a"), ["accepted"])

    def test_files_where_a_path_is_taken(self):
        self.assertEqual(self.complete("hubd --api-key-file key"),
                         ["key file"])
        self.assertEqual(self.complete("hubd --port key"), [])


if __name__ == "__main__":
    unittest.main()
