# Completion of hub-bench in fish. Flags are those of `hub-bench --help`.

complete -c hub-bench -f

# Joins descriptions that span several lines.
set -l help (hub-bench --help 2>/dev/null | string collect)
for line in (string replace -ra '\n {20,}' ' ' -- $help | string split \n)
    set -l found (string match -rg \
        '^  (-.,|   ) --([a-z-]+)(=?)\S*  +(.*)$' -- $line)
    or continue
    set -l short (string match -rg -- '-(.)' $found[1])
    and set short -s $short
    if test "$found[2]" = until
        complete -c hub-bench -l until -xa 'delivered accepted' -d $found[4]
    else if test -n "$found[3]"
        complete -c hub-bench $short -l $found[2] -x -d $found[4]
    else
        complete -c hub-bench $short -l $found[2] -d $found[4]
    end
end
