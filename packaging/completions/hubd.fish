# Completion of hubd in fish. Flags and values are those of `hubd --help`, so
# that there is no second list of them.

complete -c hubd -f

set -l flag
set -l meaning
for line in (hubd --help 2>/dev/null)
    if set -l found (string match -rg '^  [A-Z_]+, --([a-z-]+)$' -- $line)
        set flag $found
        set meaning
    else if set -l found (string match -rg '^  --([a-z-]+)  +(.*)$' -- $line)
        complete -c hubd -l $found[1] -d $found[2]
    else if test -z "$flag"
        continue
    else if test -z "$meaning"
        set meaning (string trim -- $line)
    else if string match -q '      takes a path*' -- $line
        complete -c hubd -l $flag -rF -d $meaning
    else if string match -q '      takes *' -- $line
        set -l takes (string replace '      takes ' '' -- $line)
        set -l words
        if string match -qr '^[a-z-]+(, [a-z-]+)* or [a-z-]+$' -- $takes
            set words (string replace -a ', ' ' ' -- $takes |
                string replace ' or ' ' ')
        end
        complete -c hubd -l $flag -x -a "$words" -d $meaning
    end
end
