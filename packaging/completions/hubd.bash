# Completion of hubd in bash. Flags and values are those of `hubd --help`, so
# that there is no second list of them.

# The values a flag takes, as --help words them.
_hubd_takes() { # hubd, flag
    "$1" --help 2>/dev/null | sed -n "/, $2\$/,/^\$/s/^ *takes //p"
}

_hubd_flags() { # hubd
    "$1" --help 2>/dev/null |
        sed -n 's/^  [A-Z_]*, \(--[a-z-]*\)$/\1=/p; s/^  \(--[a-z-]*\)  .*/\1/p'
}

_hubd_values() { # hubd, flag, beginning
    local takes

    takes=$(_hubd_takes "$1" "$2")
    if [[ $takes == "a path"* ]]; then
        compopt -o filenames 2>/dev/null
        compgen -f -- "$3"
    elif [[ $takes =~ ^[a-z-]+(, [a-z-]+)*\ or\ [a-z-]+$ ]]; then
        takes=${takes//, / }
        compgen -W "${takes/ or / }" -- "$3"
    fi
}

# bash splits words at '=' unless told not to.
_hubd() {
    local hubd=$1 word=${COMP_WORDS[COMP_CWORD]} front=
    local last=${COMP_WORDS[COMP_CWORD - 1]}

    COMPREPLY=()
    if [[ $word == --*=* ]]; then
        front=${word%%=*}=
        mapfile -t COMPREPLY < <(_hubd_values "$hubd" "${word%%=*}" \
            "${word#*=}")
        COMPREPLY=("${COMPREPLY[@]/#/$front}")
    elif [[ $word == = ]]; then
        mapfile -t COMPREPLY < <(_hubd_values "$hubd" "$last" "")
    elif [[ $last == = ]]; then
        mapfile -t COMPREPLY < <(_hubd_values "$hubd" \
            "${COMP_WORDS[COMP_CWORD - 2]}" "$word")
    elif [[ $last == --* && -n $(_hubd_takes "$hubd" "$last") ]]; then
        mapfile -t COMPREPLY < <(_hubd_values "$hubd" "$last" "$word")
    else
        mapfile -t COMPREPLY < <(compgen -W "$(_hubd_flags "$hubd")" -- \
            "$word")
        [[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace 2>/dev/null
    fi
}

complete -F _hubd hubd
