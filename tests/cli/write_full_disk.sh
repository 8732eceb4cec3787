#!/bin/sh
# tmp write and tmp edit onto a disk that gets full: the target is as it was, and nothing is left.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

if [ "${3-}" != mounted ]; then
    unshare --mount true 2>/dev/null || { echo "SKIPPED: needs the right to mount a tmpfs (root)"; exit 77; }
    unshare --mount sh "$here/write_full_disk.sh" "$1" "$2" mounted
    exit
fi

mkdir small
mount -t tmpfs -o size=1m tmpfs small
echo old >small/f
head -c 2000000 /dev/zero >big
free() {
    stat -f -c %f small
}
before=$(free)
unchanged() {
    is "$(cat small/f)" old "what is in the target"
    is "$(ls -A small)" f "what is in its directory"
    is "$(free)" "$before" "the free blocks"
}

exits 1 "$tool" write small/f <big
is "$(cat err)" "tmp write: there is no room for 2000000 bytes: No space left on device [$scratch/small/f]" "what is said"
unchanged
exits 1 sh -c 'cat big | "$1" write small/f' sh "$tool"
is "$(cat err)" "tmp write: cannot write the new contents; TARGET stays as it is: No space left on device \
[$scratch/small/f]" "what is said"
unchanged
exits 1 "$tool" write small/f -- cat big
says "cat: write error: No space left on device"
unchanged
exits 1 "$tool" edit small/f -- sh -c 'cat - big'
unchanged
head -c 900000 big | "$tool" write small/f || fail "what fits is not written"
is "$(wc -c <small/f)" 900000 "the size of what fits"
umount small
finish
