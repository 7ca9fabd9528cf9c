"""A Debian base image, made with this machine's apt configuration: the
contents of debian:bookworm-slim, from the mirror that is configured here.
"""

import subprocess
import time

SUITE = "bookworm"
DAY = 86400
# What slim images leave out.
SLIM = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*",
        "/usr/share/groff/*", "/usr/share/lintian/*", "/usr/share/doc/*")
TAGS = ("debian:bookworm-slim", "debian:bookworm")


def sources():
    """apt's own lines for this release, whatever files they are in."""
    lines = subprocess.run(
        ["apt-get", "indextargets", "--format",
         "deb $(REPO_URI) $(RELEASE) $(COMPONENT)",
         "Created-By: Packages"],
        check=True, text=True, capture_output=True).stdout.splitlines()
    found = [line for line in dict.fromkeys(lines)
             if line.split()[2].split("-")[0] == SUITE]
    if not found:
        raise SystemExit(f"containers: apt has no {SUITE} here, or no lists"
                         " yet (apt-get update)")
    return "\n".join(found) + "\n"


def make(work, say):
    """The archive, unless there is one of today."""
    archive = work / "base.tar"
    if archive.exists() and time.time() - archive.stat().st_mtime < DAY:
        return
    started = time.monotonic()
    unfinished = work / "base.tar.new"
    unfinished.unlink(missing_ok=True)
    slim = [f"--dpkgopt=path-exclude={path}" for path in SLIM]
    slim.append("--dpkgopt=path-include=/usr/share/doc/*/copyright")
    done = subprocess.run(
        ["mmdebstrap", "--variant=minbase", "--format=tar", *slim, SUITE,
         str(unfinished), "-"],
        input=sources(), text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"containers: mmdebstrap failed\n{done.stderr}")
    unfinished.rename(archive)
    say(f"the base image is made, {time.monotonic() - started:.0f} s")


def load(engine, work):
    """Into the engine, unless it has this one."""
    archive, mark = work / "base.tar", engine.home / "base"
    wanted = str(archive.stat().st_mtime_ns)
    if mark.exists() and mark.read_text() == wanted:
        return
    engine.docker("import", "--change", 'CMD ["bash"]', archive, TAGS[0])
    engine.docker("tag", TAGS[0], TAGS[1])
    mark.write_text(wanted)
