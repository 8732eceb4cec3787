#!/bin/sh
# tmp ls and tmp sweep: what a killed program left is listed, told, removed.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

mkdir -m 700 registry
mkdir into
export TEMPFILE_REGISTRY="$scratch/registry"

exits 0 "$tool" ls
is "$(cat out)" "" "what is listed of nothing"
exits 0 "$tool" ls --json
is "$(out)" "[]" "nothing, as JSON"

# The victim makes a file and a directory, says so, and waits to be killed.
mkfifo said
TMPDIR="$scratch/into" "$3" >said &
victim=$!
read -r _ <said
exits 0 "$tool" ls
is "$(grep -c alive out)" 2 "living ones listed"
exits 0 "$tool" sweep -v
matches "$(cat out)" "$scratch/registry/$victim-* was left alone: cli_victim ($victim) runs"
exits 0 "$tool" sweep --json
is "$(python3 -c 'import json; print([(s["reason"], s["pid"]) for s in json.load(open("out"))["skipped"]])')" \
    "[('alive', $victim)]" "what is left alone, as JSON"
kill -9 "$victim"
wait "$victim" 2>/dev/null

exits 0 "$tool" ls
is "$(grep -c dead out)" 2 "dead ones listed"
exits 0 "$tool" ls --json
is "$(python3 -c 'import json; print(sorted((i["kind"], i["bytes"]) for i in json.load(open("out"))))')" \
    "[('directory', 1), ('file', 0)]" "JSON"
exits 0 "$tool" sweep --dry-run
is "$(grep -c "^would remove $scratch/into/" out)" 2 "what would go"
exits 0 "$tool" sweep --dry-run --json
is "$(python3 -c 'import json; r = json.load(open("out")); print(r["dry_run"], len(r["removed"]))')" "True 2" \
    "what would go, as JSON"
is "$(ls into | wc -l)" 2 "what is there after a dry run"
exits 0 "$tool" sweep -v
is "$(grep -c "^removed $scratch/into/" out)" 2 "what went"
empty into
exits 0 "$tool" sweep --json
is "$(python3 -c 'import json; print(json.load(open("out")))')" "{'dry_run': False, 'complete': True, 'removed': [], 'left': [], 'skipped': []}" \
    "nothing more"

# Something in a directory that cannot be removed is named, and "complete" is then what it is for tmp rm.
TMPDIR="$scratch/into" "$3" >said &
victim=$!
read -r _ <said
kill -9 "$victim"
wait "$victim" 2>/dev/null
dir=$(find "$scratch/into" -mindepth 1 -type d)
mkdir "$dir/sub"
echo x >"$dir/sub/stays"
if chattr +i "$dir/sub/stays" 2>/dev/null; then
    exits 1 "$tool" sweep
    says "tmp sweep: $dir of cli_victim ($victim) was left, since $dir/sub/stays cannot be removed: Operation not permitted"
    exits 1 "$tool" sweep --json
    is "$(python3 -c 'import json; r = json.load(open("out")); print(r["complete"], [(i["path"], i["in_the_way"], i["error"]) for i in r["left"]])')" \
        "False [('$dir', '$dir/sub/stays', 'Operation not permitted')]" "what is left, as JSON"
    chattr -i "$dir/sub/stays"
else
    echo "skipped: no file can be made immutable here (chattr +i), which takes root and a file system that has it"
fi
exits 0 "$tool" sweep
empty into

# For programs: paths as they are, each with a NUL behind it, and nothing else.
odd=$(printf 'in\nto \033[31m')
mkdir "$odd"
TMPDIR="$scratch/$odd" "$3" >said &
victim=$!
read -r _ <said
# are_paths OF_WHAT: the paths of a file and a directory are all that was printed, and nothing was said.
are_paths() {
    python3 - "$scratch/$odd" <<'END' || fail "$1: $(od -c out)"
import os, sys
paths = open("out", "rb").read().split(b"\0")
assert paths.pop() == b"" and len(paths) == 2, paths
assert all(os.path.dirname(p) == os.fsencode(sys.argv[1]) for p in paths), paths
END
    is "$(cat err)" "" "what is said with $1"
}
exits 0 "$tool" ls --print0
are_paths "ls of living ones"
xargs -0 ls -d <out >listed || fail "not what xargs -0 reads"
exits 0 "$tool" sweep -v0
is "$(out)" "" "what is printed of what runs"
kill -9 "$victim"
wait "$victim" 2>/dev/null
exits 1 "$tool" sweep --at-most 0s
says "tmp sweep: the time of --at-most 0s was not enough; the rest is left"
for arguments in 'ls -0' 'sweep -n --print0' 'sweep -nv0' 'sweep -0'; do
    # shellcheck disable=SC2086  # they are several
    exits 0 "$tool" $arguments
    are_paths "$arguments"
done
empty "$odd"
for command in ls sweep; do
    exits 2 "$tool" $command --json -0
    is "$(cat err)" "tmp $command: --print0 prints paths alone; leave out that, or --json" "what is said of two forms"
    is "$(out)" "" "what is printed of two forms"
done

for limit in x -1 1. .5h 1.5.h '' min 5k 1M 1h30 30h1 1hour-5min '1h ' '1h  5min' 1mo; do
    exits 2 "$tool" sweep --at-most "$limit"
    says "--at-most \"$limit\" is no time; say a number of seconds, or of min, h or d, as --at-most 90 or --at-most 1h30min"
done
for limit in 86401 86400.001 1441min 24.5h 25h 2d 23h60min1s "1 day 1 ms" 1w 5000000000 99999999999999999999d \
    9000000000000000000s9000000000000000000s; do
    exits 2 "$tool" sweep --at-most "$limit"
    says "--at-most \"$limit\" is more than a day; say less"
done
for limit in 0 90 90s 5min 5m 24h 1d 1.5 0.5s 1.5h 0.01d "1.5 h" 1h30m "1h 30min" 30sec 1hour "2 hours" 2hr 100ms 0w; do
    exits 0 "$tool" sweep --at-most "$limit"
done
echo damaged >registry/1-x
exits 0 "$tool" sweep
is "$(cat err)" "tmp sweep: $scratch/registry/1-x was left alone: it is no registry, or a damaged one; look at it, and remove it" \
    "what is said of a damaged one"
rm registry/1-x

# A directory that is not ours alone is refused, and said to be.
chmod 755 registry
exits 0 "$tool" sweep
says "tmp sweep: $scratch/registry was left alone: it is not a directory of yours alone (mode 0700); have it removed"
exits 0 "$tool" ls
is "$(cat err)" "tmp ls: what killed programs leave is not written down, since no registry can be made ($scratch/registry: Operation not permitted)" \
    "what tmp ls says without a registry"
TEMPFILE_REGISTRY='' exits 0 "$tool" sweep
says 'tmp sweep: what killed programs leave is not written down'
TEMPFILE_REGISTRY='' exits 0 "$tool" ls
says '($TEMPFILE_REGISTRY is set, and no absolute path)'
finish
