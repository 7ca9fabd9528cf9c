# Completion of hub-bench in bash. Flags are those of `hub-bench --help`.

_hub_bench() {
    local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD - 1]}
    local flags

    COMPREPLY=()
    [[ $last != = ]] || last=${COMP_WORDS[COMP_CWORD - 2]}
    [[ $word != = ]] || word=
    if [[ $last == --until ]]; then
        mapfile -t COMPREPLY < <(compgen -W "delivered accepted" -- "$word")
    elif [[ $word == -* ]]; then
        flags=$("$1" --help 2>/dev/null |
            sed -n 's/^  \(-.,\|   \) \(--[a-z-]*=\{0,1\}\).*/\2/p')
        mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$word")
        [[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace 2>/dev/null
    fi
}

complete -F _hub_bench hub-bench
