#!/bin/sh
# tmp spool onto a disk that gets full, when rolling over and later.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

if [ "${3-}" != mounted ]; then
    unshare --mount true 2>/dev/null || { echo "SKIPPED: needs the right to mount a tmpfs (root)"; exit 77; }
    unshare --mount sh "$here/spool_full_disk.sh" "$1" "$2" mounted
    exit
fi

mkdir small
mount -t tmpfs -o size=8m tmpfs small
head -c 20000000 /dev/zero >big
for size in 0 1M 7M 10M; do
    exits 1 "$tool" spool --dir small --max-size "$size" <big
    says "tmp spool: cannot spool to a file in $scratch/small: No space left on device"
    is "$(out)" "" "what is printed of a spool that failed"
    empty small
done
head -c 8000000 big | "$tool" spool --dir small --max-size 1M | cmp -n 8000000 big - || fail "8 MB fit, but did not come out"
umount small
finish
