#!/bin/sh
# tmp run --private, --size-limit and --report: what the command sees, and what is said of it. As root also as an
# ordinary user.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

stage

# --- What it left, and who has it open ---

exits 3 "$tool" run --report sh -c 'exit 3'
is "$(cat err)" "tmp run: left 0 entries, 0 bytes" "what is said of nothing"
exits 0 "$tool" run --report sh -c 'mkdir {}/sub; head -c 1500 /dev/zero >{}/sub/a; echo x >"$(printf "{}/b\nc")"
    exec 7>{}/gone 8>{}/log
    echo xy >&7; rm {}/gone
    exec sh -c "echo \$\$ >said; exec cat hold" 3>&- 4>&- &'
read -r reader <said
# The program that is left can be either by then.
sed -i 's/(sh)/(cat)/' err
is "$(cat err)" "tmp run: left 4 entries, 1.4 KiB
     3 bytes  gone (deleted), open in $reader (cat)
     0 bytes  log, open in $reader (cat)
     1.4 KiB  sub/a
     2 bytes  b\\nc" "what is said of what was left"
empty into
kill "$reader"
exits 0 "$tool" run --report sh -c 'for i in $(seq 25); do : >{}/$i; done'
says "  and 5 more files"
if [ "$(id -u)" != 0 ]; then # root can read it
    exits 0 "$tool" run --report sh -c 'mkdir {}/a {}/b {}/c; : >{}/a/1; : >{}/b/2; : >{}/c/3; chmod 0 {}/b'
    says "left at least 5 entries"
    says " a/1"
    says " c/3"
fi
exits 125 sh -c '"$@" 2>&-' sh "$tool" run --report true
empty into

# --- Where it is not allowed ---

export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" # which does not go together with strace
refused() {
    exits 125 strace -o /dev/null -e "trace=$1" -e "inject=$1:error=$2" "$tool" run "$3" touch ran
    says "tmp run: ${3%=*} is not possible here ("
    says "it takes root, or user namespaces for all users"
    [ ! -e ran ] || fail "it was run all the same"
    empty into
}
if strace -o /dev/null true 2>/dev/null; then
    for option in --private --size-limit=1M; do
        refused unshare EPERM "$option"
        refused unshare ENOSPC "$option"
        refused mount EACCES "$option"
    done
else
    echo "skipped: no strace, or not allowed: a system that refuses"
fi
for bad in x -1 1.5 1. 1.G .5G 12x 1KiBB ''; do
    exits 2 "$tool" run "--size-limit=$bad" true
    says "tmp run: --size-limit \"$bad\" is no size"
done
exits 2 "$tool" run --size-limit 0 true
says "tmp run: --size-limit 0 leaves room for nothing"
exits 2 "$tool" run --size-limit 0.0M true
for keep in always on-failure; do
    exits 2 "$tool" run --size-limit 1M --keep "$keep" true
    says "tmp run: with --size-limit nothing can be kept: what it limits is in memory"
done
empty into

if ! "$tool" run --private true 2>/dev/null; then
    echo "SKIPPED: $("$tool" run --private true 2>&1)"
    [ "$failures" -gt 0 ] || exit 77
    finish
fi

# --- A limit ---

exits 125 "$tool" run --size-limit 999P true
says "tmp run: --size-limit is more than there is: what it limits is in memory, and this machine has "
for size in 4096=4096 64k=65536 64KiB=65536 1.5M=1572864 1.25MiB=1310720 4MB=4194304 0.001G=1073741824e-3; do
    exits 0 "$tool" run --size-limit "${size%=*}" stat -f -c '%b %S' {}
    case $size in
        *e-3) is "$(awk '{ print $1 * $2 }' out)" 1077248 "the size of ${size%=*}" ;; # whole pages
        *) is "$(awk '{ print $1 * $2 }' out)" "${size#*=}" "the size of ${size%=*}" ;;
    esac
done
exits 1 "$tool" run --size-limit 1M -v --report sh -c 'stat -c "%a %u" {}; head -c 2M /dev/zero >{}/big'
is "$(out)" "700 $(id -u)" "its mode and owner"
says "No space left on device"
says "left       1 entry, 1 MiB"
says "       1 MiB  big"
empty into
is "$(grep -c tmp-run /proc/mounts)" 0 "what is mounted afterwards"

# --- All by itself ---

# In here is $scratch, which is in /tmp mostly; the working directory stays.
exits 4 "$tool" run --private -v --report sh -c '[ "$1 $TMPDIR $TEMP $TMP" = "/tmp /tmp /tmp /tmp" ] || exit
    ls -A /tmp /var/tmp; stat -c %a /tmp /var/tmp; id -u
    echo x >/tmp/a; echo xx >/var/tmp/b; ls -A into >outside; exit 4' sh {}
is "$(out)" "/tmp:

/var/tmp:
1777
1777
$(id -u)" "what is there"
says "left       4 entries, 5 bytes"
matches "$(grep '^directory' err)" "directory  $scratch/into/tmp*"
says "     3 bytes  var-tmp/b"
says "     2 bytes  tmp/a"
matches "$(cat outside)" "tmp*"
empty into
for dir in /tmp /var/tmp .; do
    exits 0 "$tool" run --dir "$dir" --prefix run-private-test- --private sh -c 'echo x >/tmp/a; echo x >/var/tmp/a'
    is "$(find "$dir" -maxdepth 1 -name 'run-private-test-*' -user "$(id -u)")" "" "what is left in $dir"
done
exits 1 "$tool" run --private --size-limit 1M sh -c 'head -c 2M /dev/zero >/var/tmp/a'
says "No space left on device"
exits 127 "$tool" run --private nonexistent
exits 137 "$tool" run --private --size-limit 1M sh -c 'kill -9 $$'
exits 0 "$tool" run --private --keep=always sh -c 'echo x >/tmp/a'
is "$(cat into/tmp*/tmp/a)" x "what is kept"
rm -r into/tmp*
empty into

# What the command leaves running stays among itself.
exits 0 "$tool" run --private sh -c 'echo x >/tmp/a
    sh -c "echo ready >said; read -r _ <hold; ls -A /tmp >later; touch /tmp/b 2>/dev/null || echo contained >>later" &'
read -r _ <said
echo go >&3
until grep -q contained later 2>/dev/null; do sleep 0.01; done
is "$(cat later)" contained "what it can do"
[ ! -e /tmp/b ] || fail "it was let out"
empty into

# Killed itself, it has mounted nothing that would be in the way of a sweep.
"$tool" run --private --size-limit 1M sh -c 'echo x >/tmp/a; echo ready >said; exec cat hold' 3>&- 4>&- &
job=$!
read -r _ <said
kill -9 "$job"
wait "$job" 2>/dev/null
is "$(ls into | wc -l)" 1 "what is left before the sweep"
exits 0 "$tool" sweep
empty into

if [ "$(id -u)" = 0 ] && as_user "$tool" --version >/dev/null 2>&1; then
    status=0
    PATH=/usr/bin:/bin as_user sh "$here/run_private.sh" "$@" || status=$?
    [ "$status" = 0 ] || [ "$status" = 77 ] || fail "as an ordinary user"
fi
finish
