"""The binary interface of hub.h as text: the arguments of each function, and
the offset of each field, printed by a compiled program.
"""

import pathlib
import subprocess
import tempfile

from header import CC, INCLUDE, header

HEAD = '#include <stdio.h>\n#include <hub/hub.h>\nint main(void)\n{\n'
TAIL = '    return 0;\n}\n'


def show_struct(name, fields):
    yield f'printf("\\nstruct {name}: %zu bytes\\n", sizeof(struct {name}));'
    for field in fields:
        yield (f'printf("%4zu %3zu  {field.type}\\n", '
               f'offsetof(struct {name}, {field.name}), '
               f'sizeof(((struct {name} *)0)->{field.name}));')


def show_enum(name, constants):
    yield f'printf("\\nenum {name}: %zu bytes\\n", sizeof(enum {name}));'
    for constant in constants:
        yield f'printf("%4d      {constant}\\n", {constant});'


def program():
    lines = ['printf("\\nconstants\\n");']
    for name in header().constants:
        lines.append(f'printf("%4d      {name}\\n", (int){name});')
    for name, constants in header().enums.items():
        lines += show_enum(name, constants)
    for name, fields in header().structs.items():
        lines += show_struct(name, fields)
    return HEAD + "".join(f"    {line}\n" for line in lines) + TAIL


def layout():
    with tempfile.TemporaryDirectory(prefix="hub-abi-") as work:
        source, binary = pathlib.Path(work, "layout.c"), pathlib.Path(work, "a")
        source.write_text(program())
        subprocess.run([CC, "-std=c11", f"-I{INCLUDE}", "-o", binary, source],
                       check=True)
        return subprocess.run([binary], check=True, text=True,
                              capture_output=True).stdout


def functions(symbols):
    """`symbols` gives the exported name with its version."""
    lines = ["exported functions"]
    lines += [f"          {symbols.get(f.name, f.name)}: {f.prototype}"
              for f in sorted(header().exported)]
    lines += ["", "functions that callers bring, and inline ones"]
    lines += [f"          {f.prototype}"
              for f in header().types + header().inline]
    return "\n".join(lines) + "\n"


def describe(symbols):
    return functions(symbols) + layout()
