#!/bin/sh
# The other commands on a full disk, out of files and out of bytes, the registry's too: what cannot be made is said and
# not there, and what can be removed is removed.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

if [ "${4-}" != mounted ]; then
    unshare --mount true 2>/dev/null || { echo "SKIPPED: needs the right to mount a tmpfs (root)"; exit 77; }
    unshare --mount sh "$here/full_disk.sh" "$1" "$2" "$3" mounted
    exit
fi

mkdir -m 700 registry no-files no-bytes
export TEMPFILE_REGISTRY="$scratch/registry"
mount -t tmpfs -o nr_inodes=3,mode=700 tmpfs no-files
: >no-files/a
: >no-files/b
mount -t tmpfs -o size=64k,mode=700 tmpfs no-bytes
full="No space left on device"

for command in file dir "file --until-pid $$" "dir --until-pid $$" "run" "shell"; do
    status=1 then=
    case $command in
        run) status=125 then=true ;;
        shell) status=125 then="-- true" ;;
    esac
    # shellcheck disable=SC2086  # a command and its options
    exits "$status" "$tool" $command --dir "$scratch/no-files" $then
    says "tmp ${command%% *}: "
    says "$full"
    says "$scratch/no-files"
    is "$(ls no-files)" "a
b" "what is there after tmp $command"
    empty registry
done
exits 1 "$tool" mktemp -q -p no-files
is "$(cat err)" "" "what is said with -q"
exits 1 "$tool" mktemp -p no-files
says "failed to create file via template"
says "$full"

# A command that fills its directory fails with its own message and status, and all of it goes.
TMPDIR=$scratch/no-bytes exits 1 "$tool" run --report sh -c 'head -c 100000 /dev/zero >"$TMPDIR/file"'
says "$full"
empty no-bytes

# A report that cannot be written says of which file.
head -c 100000 /dev/zero >no-bytes/filler 2>/dev/null
exits 125 "$tool" run --report-json no-bytes/report true
says "cannot write the report"
says "no-bytes/report"
says "$full"
rm no-bytes/filler
empty no-bytes

# Without room for the registry what it is needed for is not made; what it is not needed for is.
head -c 100000 /dev/zero >no-bytes/filler 2>/dev/null
before=$(stat -f -c %f no-bytes)
for command in file dir; do
    TEMPFILE_REGISTRY=$scratch/no-bytes exits 1 "$tool" "$command" --until-pid $$
    says "tmp $command: "
    says "$full"
done
TEMPFILE_REGISTRY=$scratch/no-bytes exits 0 "$tool" run sh -c 'ls -d {}'
[ ! -e "$(out)" ] || fail "it stays: $(out)"
TEMPFILE_REGISTRY=$scratch/no-bytes exits 0 "$tool" ls
says "$full"
is "$(ls no-bytes)" filler "what is left of a registry"
is "$(stat -f -c %f no-bytes)" "$before" "the free blocks"
rm no-bytes/filler

# What the dead left can be removed when there is no room for anything.
mkfifo said
for place in no-bytes no-files; do
    rm -f no-files/*
    TMPDIR=$scratch/$place "$3" >said 2>err &
    victim=$!
    read -r ready <said
    is "$ready" ready "what the victim says: $(cat err)"
    kill -9 "$victim"
    wait "$victim" 2>/dev/null
    head -c 100000 /dev/zero >no-bytes/filler 2>/dev/null
    exits 0 "$tool" sweep
    rm -f no-bytes/filler
    empty $place
    empty registry
done
head -c 100000 /dev/zero >no-bytes/filler 2>/dev/null
exits 0 "$tool" rm no-bytes/filler
empty no-bytes
umount no-files no-bytes
finish
