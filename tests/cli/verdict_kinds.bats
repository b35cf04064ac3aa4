#!/usr/bin/env bats
# The verdict on each of many small ways to leak, and to look as if: class, phase, function and exit status, over as many
# rounds as KIND_ROUNDS says (default: few and some; "8 16 40 200" are known).
load helper

# What leaks: its verdict over 8, 16, 40 and 200 rounds, the phase, and the function that must be told. `quiet` is no leak:
# of an error path, a few rounds have too little to go by.
leaks() {
    cat <<'T'
every                 leak   leak              leak              leak              round leak_every
one-thread-of-many    leak   leak              leak              leak              round leak_in_worker
map-never-erased      leak   leak              leak              leak              round leak_into_map
shared-cycle          leak   leak              leak              leak              round leak_cycle
vector-grows          leak   leak              leak              leak              round leak_into_vector
hash-grows            leak   leak              leak              leak              round leak_into_hash
list-grows            leak   leak              leak              leak              round leak_into_list
thread-per-request    leak   leak              leak              leak              round leak_per_thread
error-one-in-fifty    quiet  leak-intermittent leak-intermittent leak-intermittent round leak_on_error
error-every-seventh   quiet  quiet             quiet             leak-intermittent round leak_on_error
tiny-among-churn      leak   leak              leak              leak              round leak_tiny
map-pages             leak   leak              leak              leak              round leak_map_pages
realloc-grows         leak   leak              leak              leak              round leak_by_realloc
leak-after-the-middle leak   leak              leak              leak              round leak_later
freed-at-exit         leak   leak              leak              leak              round leak_until_exit
nested                leak   leak              leak              leak              inner leak_inside
rounds-differ         leak   leak              leak              leak              round leak_by_amount
shared-wrapper        leak   leak              leak              leak              round leak_through_wrapper
file-handles          leak   leak              leak              leak              round leak_file
file-buffers          leak   leak              leak              leak              round leak_read_file
directory-handles     leak   leak              leak              leak              round leak_directory
not-joined            quiet  leak              leak              leak              round leak_thread
base-destructor       leak   leak              leak              leak              round leak_behind_base
overwritten           leak   leak              leak              leak              round leak_old_value
listeners             leak   leak              leak              leak              round leak_listener
vector-of-three       leak   leak              leak              leak              round leak_into_shared
vector-of-vectors     leak   leak              leak              leak              round leak_report
string-grows          quiet  leak              leak              leak              round leak_into_string
rising-work           quiet  leak              leak              leak              round leak_on_item
one-in-three-hundred  leak   leak              leak              leak              round leak_rarely
among-collected       quiet  leak              leak              leak              round leak_uncollected
T
}

# What does not leak in any number of rounds: stopped long ago, is full, is released later, or follows the load.
clean() {
    tr '\n' ' ' <<'T'
leak-at-first interned lru lru-differing vector-reused hash-bounded zipf-cache arena pool ring deferred-by-one deferred-by-five
two-buffers once sawtooth lazy-slots thread-locals text-cut-back high-water sessions backlog queue-grows
T
}

setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit
    c++ -g -O1 -I"$BATS_TEST_DIRNAME/../../include" "$BATS_TEST_DIRNAME/../programs/verdicts/kinds.cpp" -o kinds -pthread
}

setup() { cd "$BATS_FILE_TMPDIR" || exit; }

# "CLASS PHASE FUNCTION..." of the first leak, or `quiet`.
told() {
    local status=0 expected=0 line
    timeout 60 "$TIDEMARK" run -q -o t.tmk --json t.json -- ./kinds "$1" "$2" >out.txt 2>err.txt || status=$?
    line=$(jq -r '. as $r | .verdict.leaks[0] // empty | .site as $s | $r.sites[] | select(.id == $s)
        | [.stack[0:3][].function // "?" | sub(".*::"; "")] | join(" ")' t.json)
    [ -z "$line" ] || expected=10
    [ "$status" -eq "$expected" ] || echo "exit status $status instead of $expected"
    [ -z "$line" ] || line="$(jq -r '.verdict.leaks[0] | "\(.class) \(.phase)"' t.json) $line"
    echo "${line:-quiet}"
}

# One line for each verdict that is not the expected one.
compare() {
    local kind=$1 rounds=$2 class=$3 phase=$4 function=$5 line
    line=$(told "$kind" "$rounds")
    case "$class:$line " in
    quiet:"quiet ") ;;
    "$class:$class $phase"*" $function "*) ;;
    *) echo "$kind, $rounds rounds: $line; expected: $class $phase $function" ;;
    esac
}

@test "every kind of leak is told, with its phase and function" {
    local kind few some many most phase function rounds class
    while read -r kind few some many most phase function; do
        for rounds in ${KIND_ROUNDS:-8 40}; do
            case $rounds in 8) class=$few ;; 16) class=$some ;; 40) class=$many ;; *) class=$most ;; esac
            compare "$kind" "$rounds" "$class" "$phase" "$function"
        done
    done < <(leaks) >wrong
    cat wrong
    [ ! -s wrong ]
}

@test "what only looks like a leak is none" {
    local kind rounds
    for kind in $(clean); do
        for rounds in ${KIND_ROUNDS:-8 40}; do compare "$kind" "$rounds" quiet; done
    done >wrong
    cat wrong
    [ ! -s wrong ]
}
