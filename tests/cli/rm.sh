#!/bin/sh
# tmp rm beside rm -rf: what goes, what stays, what is said, and the status. As root also as an ordinary user.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"
# The leak checker of a sanitized build does not bear that its process is looked at.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
chmod 755 "$scratch"

# --- The same as rm -rf ---

mkdir -p template/full/deep/er template/dir template/outside
cd template || exit 1
echo x | tee full/a full/deep/b file outside/kept -- -x -rf '{}' '[dir,file]' 'a b' >/dev/null
ln -s ../outside full/link
ln -s outside link
ln -s nowhere dangling
ln -s loop loop
mkfifo pipe
cd ..

# compare ARGUMENTS...: for both. Sets the statuses.
compare() {
    cp -a template theirs
    cp -a template ours
    (cd theirs && rm -rf "$@" 2>/dev/null)
    their_status=$?
    (cd ours && "$tool" rm "$@" >../out 2>../err)
    our_status=$?
    is "$(cd ours && find . | sort)" "$(cd theirs && find . | sort)" "what is left after rm $*"
    is "$(out)" "" "what is printed without -v by rm $*"
    rm -rf theirs ours
}

same() {
    compare "$@"
    is "$our_status" "$their_status" "the status of rm $*; it said: $(cat err)"
    [ "$our_status" != 0 ] || is "$(cat err)" "" "what is said of rm $*"
}

long=$(printf '%0300d' 1)
same
same ''
same --
same missing
same missing/
same missing/deeper
same file/deeper
same full
same full/
same full//
same ./full
same full/deep full
same full full/deep
same full missing dir file
same file
same dir file
same link
same dangling
same loop
same pipe
same loop/deeper
same "$long"
same "$long" full
same 'a b'
same '{}'
same '[dir,file]'
same '[dir' 'file]'
same -- -x
same -- -rf file
same -- --
same -rf full
same -fr full
same -r -f full
same -R full
same full -rf
same --recursive --force full
same --one-file-system full
same .
same ..
same ./
same dir/.
same dir/..
same missing/.
same missing/..
same missing/. dir/. full
same . full
same full .. dir
same -- . file

# With a slash behind it, what is no directory is left, of which rm -rf says nothing. Who is told that all is gone shall
# be able to believe it.
for path in file/ dangling/; do
    compare "$path"
    is "$their_status $our_status" "0 1" "the statuses for $path"
    is "$(cat err)" "tmp rm: cannot enter \"$path\": Not a directory" "what is said of $path"
done
# That of coreutils 9.1 follows a link that has one, and empties what it leads to.
cp -a template here
exits 1 "$tool" rm here/link/
is "$(cat err)" "tmp rm: cannot enter \"here/link/\": Not a directory" "what is said of a link with a slash"
[ -f here/outside/kept ] || fail "a link was followed"
rm -rf here

# --- Wrong usage ---

mkdir kept
for wrong in -x -i -I --interactive -vx --foo --json=x; do
    exits 2 "$tool" rm kept "$wrong"
    says "Try \`tmp rm --help\`."
done
exits 0 "$tool" rm --help
prints "Usage: tmp rm"
prints "Example"
[ -d kept ] || fail "wrong usage removes something"
rmdir kept

# --- What nobody means ---

# The working directory, what it is in, under whatever name; the others go all the same.
mkdir -p a/here a/gone
touch a/here/file a/gone/file
ln -s "$scratch/a" other
cd a/here || exit 1
for path in . .. ../here "$scratch/a" ../../a "$scratch" "$scratch/other/here" "$scratch/other/here/"; do
    mkdir ../gone/sub
    for how in '' --dry-run; do
        exits 1 "$tool" rm $how "$path"
        is "$(wc -l <"$scratch/err")" 1 "lines about $path"
        matches "$(cat "$scratch/err")" "tmp rm: *${path%/}*"
    done
    exits 1 "$tool" rm -v "$path" ../gone/sub
    prints "removed ../gone/sub: 1 entry, 0 bytes"
done
[ -f file ] || fail "the working directory was touched"
# Not as root, in case that it goes wrong.
for path in / // /. /..; do
    exits 1 as_user "$tool" rm "$path"
    matches "$(cat "$scratch/err")" "tmp rm: *"
    exits 1 "$tool" rm --dry-run "$path"
    matches "$(cat "$scratch/err")" "tmp rm: *"
done
exits 1 as_user "$tool" rm /
says "tmp rm: the root directory is not removed"
cd "$scratch" || exit 1
"$tool" rm a other
if [ "$(id -u)" != 0 ]; then # behind one that may not be searched, too
    mkdir -p gate/shut/here
    cd gate/shut/here || exit 1
    chmod 0 "$scratch/gate/shut"
    for how in '' --dry-run; do
        exits 1 "$tool" rm $how "$scratch/gate"
        says "tmp rm: the working directory is \"$scratch/gate\" or in it"
    done
    chmod 700 "$scratch/gate/shut"
    cd "$scratch" || exit 1
    "$tool" rm gate
fi

# Too few descriptors to look for the working directory, or to go on: what stays is no success.
# shellcheck disable=SC3045 # every sh here has ulimit -n
for limit in 4 5 6; do
    (ulimit -n "$limit" && exec "$tool" --version) >/dev/null 2>&1 || continue # too few to load its libraries
    mkdir -p few/a/b
    status=0
    (ulimit -n "$limit" && exec "$tool" rm few) >out 2>err || status=$?
    if [ -e few ]; then left=1; else left=0; fi
    is "$status $(($(wc -l <err) > 0))" "$left $left" "the status, and whether something is said, with $limit descriptors"
    "$tool" rm few
done

# --- What is told ---

tree() {
    mkdir -p tree/sub/deep
    printf 12345 >tree/five
    printf 123 >tree/sub/three
    ln tree/sub/three tree/sub/deep/again
    ln tree/sub/deep/again outside_name
    ln -s /usr tree/link
}

tree
ln tree/five tree/sub/five_again
exits 0 "$tool" rm -v tree missing outside_name
is "$(out)" "removed tree: 8 entries, 5 bytes
nothing at missing
removed outside_name: 1 entry, 3 bytes" "what -v says"

# Sizes are rounded down, in the units in which they are given (--need 1M).
for size in 0='0 bytes' 1='1 byte' 1023='1023 bytes' 1024='1 KiB' 1127='1.1 KiB' 1535='1.4 KiB' 1536='1.5 KiB' \
    1048575='1023.9 KiB' 1048576='1 MiB' 10T='10 TiB'; do
    truncate -s "${size%%=*}" sized 2>err || { echo "SKIPPED in part: no file of ${size%%=*} here"; continue; }
    exits 0 "$tool" rm -v sized
    is "$(out)" "removed sized: 1 entry, ${size#*=}" "what is said of ${size%%=*}"
done

# For programs: each PATH that went, or would go; with -v what is in it as well. What is not there does not go.
odd=$(printf 'odd\nname\033')
for options in -0n -0 -v0; do
    rm -rf tree outside_name
    tree
    : >"$odd"
    exits 0 "$tool" rm $options tree missing "$odd" --
    printf 'tree\0odd\nname\033\0' | cmp - out || fail "$options: not the paths, each with a NUL: $(od -c out)"
    is "$(cat err)" "" "what is said with $options"
done
rm -rf outside_name
tree
find tree | sort >expected
exits 0 "$tool" rm --print0 -nv tree
tr '\0' '\n' <out | sort | cmp - expected || fail "not all that would go: $(out)"
exits 1 "$tool" rm --print0 tree .
printf 'tree\0' | cmp - out || fail "not only what went: $(od -c out)"
exits 2 "$tool" rm --print0 --json tree
says "tmp rm: --print0 prints paths alone; leave out that, or --json"
rm outside_name

# A dry run says the same, and touches nothing: no time of a change changes.
tree
ln tree/five tree/sub/five_again
find tree outside_name -printf '%p %C@ %T@ %m %s\n' | sort >before
exits 0 "$tool" rm --dry-run tree missing outside_name
is "$(out)" "would remove tree: 8 entries, 5 bytes
nothing at missing
would remove outside_name: 1 entry, 3 bytes" "what a dry run says"
exits 0 "$tool" rm -nv tree/
is "$(sed 's,: .*,,' out | sort)" "$(find tree | sed 's/^/would remove /' | { cat && echo 'would remove tree/'; } | sort)" "what would go, one by one"
find tree outside_name -printf '%p %C@ %T@ %m %s\n' | sort >after
cmp -s before after || fail "a dry run changes something: $(diff before after)"

json() {
    is "$(python3 -c "import json; d = json.load(open('out')); print(($1))")" "$2" "$1"
}

exits 0 "$tool" rm --json -n tree missing
json "d['dry_run'], d['entries'], d['bytes'], d['failed'], d['cancelled']" "(True, 8, 5, 0, False)"
exits 0 "$tool" rm --json tree missing outside_name
json "d['dry_run'], d['entries'], d['bytes'], d['failed'], d['cancelled'], d['seconds'] > 0" "(False, 9, 8, 0, False, True)"
json "[(p['path'], p['entries'], p['bytes'], p['complete'], p['failures']) for p in d['paths']]" \
    "[('tree', 8, 5, True, []), ('missing', 0, 0, True, []), ('outside_name', 1, 3, True, [])]"
exits 0 "$tool" rm --json
json "d['paths']" "[]"

# Failures: one line each, and not without end. Nothing in /proc can be removed.
mkdir dir
exits 1 "$tool" rm -v /proc/self/task dir
is "$(grep -c '^tmp rm: cannot remove "/proc/self/task/[0-9]*/.*": Operation not permitted$' err)" 16 "lines about failures"
matches "$(tail -n 1 err)" 'tmp rm: and [0-9]* more in "/proc/self/task"'
is "$(out)" "removed of /proc/self/task: 0 entries, 0 bytes
removed dir: 1 entry, 0 bytes" "what -v says of a failure"
exits 1 "$tool" rm --json . /proc/self/task missing
json "d['failed'] > 1, [p['complete'] for p in d['paths']], d['paths'][0]['failed']" "(True, [False, False, True], 1)"
json "d['paths'][1]['failures'][0]['path'].startswith('/proc/self/task/'), d['paths'][1]['failures'][0]['operation'], d['paths'][1]['failures'][0]['error']" \
    "(True, 'remove', 'Operation not permitted')"
is "$(cat err)" "" "what is said besides JSON"

# --- Names of all kinds ---

name=$(printf 'a\nb\033[31m\377')
mkdir "$name"
exits 0 "$tool" rm -nv "$name"
is "$(out)" 'would remove a\nb\x1b[31m\xff
would remove a\nb\x1b[31m\xff: 1 entry, 0 bytes' "a name with control characters"
exits 1 "$tool" rm "$name/."
says 'a\nb\x1b[31m\xff/.'
exits 0 "$tool" rm --json "$name"
json "ascii(d['paths'][0]['path'])" "'a\\nb\\x1b[31m\\ufffd'"

# Deeper than any path can say.
python3 -c 'import os
for i in range(3000):
    os.mkdir("deep"); os.chdir("deep")
open("file", "w").write("1234567")'
exits 0 "$tool" rm -n deep
is "$(out)" "would remove deep: 3001 entries, 7 bytes" "a dry run deep down"
exits 0 "$tool" rm -v deep
is "$(out)" "removed deep: 3001 entries, 7 bytes" "removed deep down"

# Modes of ours are no obstacle; a dry run changes none, and says that it does not see everything.
mkdir -p shut/in/side
chmod 000 shut/in
if [ "$(id -u)" != 0 ]; then
    exits 1 "$tool" rm -n shut
    is "$(out)$(cat err)" 'would remove of shut: 2 entries, 0 bytes, as far as can be seentmp rm: cannot look into "shut/in": Permission denied' "a dry run before a shut door"
    is "$(stat -c %a shut/in)" 0 "the mode after a dry run"
fi
exits 0 "$tool" rm -v shut
is "$(out)" "removed shut: 3 entries, 0 bytes" "with a shut door"

# --- When it cannot be told ---

mkfifo to_nobody
# shellcheck disable=SC2094  # it is no file
exec 3<>to_nobody 4>to_nobody 3<&- # 4 is a pipe that nobody reads from any more
for how in -v --json '-v --json'; do
    mkdir first second
    # shellcheck disable=SC2086  # they are several
    exits 1 sh -c '"$@" >/dev/full' sh "$tool" rm $how first second
    says "tmp rm: cannot write to standard output: No space left on device"
    is "$(wc -l <err)" 1 "lines about a full disk"
    if [ -e first ] || [ -e second ]; then fail "$how: what is not told is not done"; fi
done
mkdir first second
exits 1 sh -c '"$@" >&4' sh "$tool" rm -v first second
says "Broken pipe"
if [ -e first ] || [ -e second ]; then fail "a closed pipe keeps something"; fi
mkdir first
exits 1 sh -c '"$@" >&4' sh "$tool" rm -nv first
exits 1 sh -c '"$@" >&4' sh "$tool" rm --json -n first
exits 0 sh -c '"$@" >&- 2>&- <&-' sh "$tool" rm first
[ ! -e first ] || fail "without standard streams it stays"

# --- Mounts, and directories of others ---

# mounted ARGUMENTS...: of a tree in which something is mounted, by a process that nobody else shares mounts with.
mounted() {
    # shellcheck disable=SC2016,SC2317  # for the shell inside; exits calls it
    unshare -m sh -c 'mount --bind stays m/tree/point && mount --bind stays/file m/tree/a && exec "$@"' sh "$@"
}

if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
    for how in '' --one-file-system; do
        mkdir -p stays m/tree/point m/tree/sub
        touch stays/file m/tree/a m/tree/sub/b
        exits 1 mounted "$tool" rm -nv $how m
        is "$(out)" 'would remove m/tree/sub/b
would remove m/tree/sub
would remove of m: 2 entries, 0 bytes, as far as can be seen' "a dry run around a mount"
        sort err >dry
        exits 1 mounted "$tool" rm -v $how m
        is "$(out)" "removed of m: 2 entries, 0 bytes" "around a mount"
        sort err | cmp -s - dry || fail "a dry run says other things: $(cat dry) $(cat err)"
        says 'tmp rm: cannot cross into the mount "m/tree/point": Device or resource busy'
        says 'tmp rm: cannot remove "m/tree/a": Device or resource busy'
        [ -f stays/file ] || fail "what is mounted was touched"
        "$tool" rm m stays
    done
    # What is named is meant, also if it is one.
    mkdir -p stays m/tree/point
    touch stays/file m/tree/a
    exits 1 mounted "$tool" rm -n m/tree/point m/tree/a
    is "$(out)" "would remove of m/tree/point: 1 entry, 0 bytes, as far as can be seen
would remove of m/tree/a: 0 entries, 0 bytes, as far as can be seen" "a dry run of a mount"
    mv err dry
    exits 1 mounted "$tool" rm m/tree/point m/tree/a
    cmp -s err dry || fail "a dry run says other things of a mount: $(cat dry) $(cat err)"
    is "$(find stays m | sort | tr '\n' ' ')" "m m/tree m/tree/a m/tree/point stays " "what is left of a mount"
    "$tool" rm m stays
else
    echo "SKIPPED in part: mounts need root"
fi
if [ "$(id -u)" = 0 ]; then
    mkdir -p of_root/sub
    touch of_root/sub/file
    cp -a template of_others
    before=$(find of_root of_others | sort)
    exits 1 as_user "$tool" rm -n of_root of_others missing
    is "$(out)" "would remove of of_root: 0 entries, 0 bytes, as far as can be seen
would remove of of_others: 0 entries, 0 bytes, as far as can be seen
nothing at missing" "a dry run of what is root's"
    sort err >dry
    exits 1 as_user "$tool" rm -v of_root of_others missing
    sort err | cmp -s - dry || fail "a dry run says other things of what is root's: $(cat dry) $(cat err)"
    says 'tmp rm: cannot remove "of_root/sub/file": Permission denied'
    is "$(grep -vc ': Permission denied$' err)" 0 "lines about anything else"
    is "$(find of_root of_others | sort)" "$before" "what is left of what is root's"
    "$tool" rm of_root of_others

    # foresees ARGUMENTS...: as an ordinary user. A dry run counts, and says in some order, what the removal does.
    foresees() {
        exits 1 as_user "$tool" rm -n "$@"
        sort err >dry
        sed 's/^would remove/removed/; s/, as far as can be seen$//' out >dry_out
        exits 1 as_user "$tool" rm -v "$@"
        sort err | cmp -s - dry || fail "a dry run of $* says other things: $(cat dry) $(cat err)"
        cmp -s out dry_out || fail "a dry run of $* counts other things: $(cat dry_out) $(out)"
    }

    # A directory of root's with one of the user's in it, and one of the user's in which root has made something.
    mkdir -p mixed/root/users/in mixed/users/root mixed/users/shut
    touch mixed/root/users/file mixed/users/file mixed/users/root/file
    chown 65534 mixed/root/users mixed/root/users/in mixed/users mixed/users/shut mixed
    chmod 500 mixed/users/shut
    foresees mixed
    # Where everybody may write, and only owners remove.
    mkdir -p sticky/root sticky/users
    touch sticky/of_root sticky/of_user
    chown 65534 sticky/users sticky/of_user
    chmod 1777 sticky
    foresees sticky sticky/of_root
    is "$(find mixed sticky | sort | tr '\n' ' ')" "mixed mixed/root mixed/root/users mixed/users mixed/users/root mixed/users/root/file sticky sticky/of_root sticky/root " "what is left of it"
    "$tool" rm mixed sticky
    if mkdir -p fixed/dir fixed/more && touch fixed/file fixed/dir/file fixed/other &&
        chattr +i fixed/file && chattr +a fixed/dir; then
        exits 1 "$tool" rm -n fixed
        sort err >dry
        exits 1 "$tool" rm fixed
        sort err | cmp -s - dry || fail "a dry run says other things of what is immutable: $(cat dry) $(cat err)"
        chattr -i fixed/file && chattr -a fixed/dir
    else
        echo "SKIPPED in part: nothing can be made immutable here"
    fi
    "$tool" rm fixed
fi

if [ "$(id -u)" = 0 ] && as_user "$tool" --version >/dev/null 2>&1; then
    PATH=/usr/bin:/bin as_user sh "$here/rm.sh" "$@" || fail "as an ordinary user"
fi
finish
