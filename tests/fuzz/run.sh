#!/usr/bin/env bash
# run.sh - runs the fuzz targets of build/fuzz, as many at a time as there are
# cores, from the committed corpora on. What they learn stays in
# build/fuzz/corpus; nothing is written into the sources. Called by ./dev fuzz.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# The slowest first, so that they end together.
readonly TARGETS=(token jwks upgrade settings json reader chunks utf8)
declare -rA LONGEST=([upgrade]=2048 [settings]=1024 [json]=2048 [reader]=1024
    [chunks]=512 [utf8]=512 [token]=2048 [jwks]=4096)
readonly OUT=build/fuzz BIN=build/fuzz/tests/fuzz
readonly MEMORY_MB=1024 INPUT_SECONDS=10

export ASAN_OPTIONS=quarantine_size_mb=16:malloc_context_size=8
export UBSAN_OPTIONS=print_stacktrace=1

usage() {
    printf 'usage: ./dev fuzz [seconds] [target]...\ntargets: %s\n' \
        "${TARGETS[*]}" >&2
    exit 2
}

# A line of figures, or what was found and how to see it again.
report() { # target, exit status
    local log=$OUT/fuzz_$1.log found runs seconds coverage

    if [[ $2 -ne 0 ]]; then
        found=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        printf '%-9s FOUND SOMETHING (%s)\n' "$1" "$log"
        grep -m 3 -E 'does not hold|ERROR|runtime error' "$log" || tail "$log"
        [[ -z $found ]] || printf '  again: %s %s\n' "$BIN/fuzz_$1" "$found"
        return 1
    fi
    read -r runs seconds < <(sed -n \
        's/^Done \([0-9]*\) runs in \([0-9]*\) second.*/\1 \2/p' "$log")
    coverage=$(sed -n 's/.*DONE *\(cov: [0-9]* ft: [0-9]*\).*/\1/p' "$log")
    printf '%-9s %9d executions %5d s  %s\n' "$1" "$runs" "$seconds" \
        "$coverage"
}

fuzz() { # target, seconds
    local status=0 corpus=$OUT/corpus/$1 findings=$OUT/findings

    mkdir -p "$corpus" "$findings"
    "$BIN/fuzz_$1" -max_total_time="$2" -max_len="${LONGEST[$1]}" \
        -timeout="$INPUT_SECONDS" -rss_limit_mb="$MEMORY_MB" \
        -dict="tests/fuzz/$1.dict" -artifact_prefix="$findings/$1-" \
        -print_final_stats=1 "$corpus" "tests/fuzz/corpus/$1" \
        >"$OUT/fuzz_$1.log" 2>&1 || status=$?
    report "$1" "$status"
}

main() {
    local seconds=60 target running=0 failed=0 targets=()

    if [[ ${1:-} =~ ^[0-9]+$ ]]; then
        seconds=$1
        shift
    fi
    [[ $seconds -gt 0 ]] || usage
    for target in "$@"; do
        [[ -n ${LONGEST[$target]:-} ]] || usage
    done
    targets=("$@")
    [[ $# -gt 0 ]] || targets=("${TARGETS[@]}")
    for target in "${targets[@]}"; do
        if [[ $running -ge $(nproc) ]]; then
            wait -n || failed=1
            running=$((running - 1))
        fi
        fuzz "$target" "$seconds" &
        running=$((running + 1))
    done
    for (( ; running > 0; running--)); do
        wait -n || failed=1
    done
    return "$failed"
}

main "$@"
