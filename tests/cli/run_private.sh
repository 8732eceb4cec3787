#!/bin/sh
# tmp run --private, --size-limit and --report: what the command sees, and what is said of it. As root also as an
# ordinary user.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

stage

# What is said, but for how many processes of others an ordinary user may not look at.
what_is_said() {
    grep -v '^  [0-9]* process[es]* could not be looked at$' err
}

# Not for everybody, and for nobody in a chroot.
unshare_user() {
    unshare --user --map-root-user --mount "$@" 2>/dev/null
}

# --- What it left, and who has it open ---

exits 3 "$tool" run --report sh -c 'exit 3'
is "$(what_is_said)" "tmp run: left 0 entries, 0 bytes" "what is said of nothing"
[ "$(id -u)" = 0 ] || says " could not be looked at"
exits 0 "$tool" run --report sh -c 'mkdir {}/sub; head -c 1500 /dev/zero >{}/sub/a; echo x >"$(printf "{}/b\nc")"
    exec 7>{}/gone 8>{}/log
    echo xy >&7; rm {}/gone
    exec sh -c "echo \$\$ >said; exec cat hold" 3>&- 4>&- &'
read -r reader <said
# The program that is left can be either by then.
sed -i 's/(sh)/(cat)/' err
is "$(what_is_said)" "tmp run: left 4 entries, 1.4 KiB
     3 bytes  gone (deleted), open in $reader (cat)
     0 bytes  log, open in $reader (cat)
     1.4 KiB  sub/a
     2 bytes  b\\nc" "what is said of what was left"
empty into
kill "$reader"
exits 0 "$tool" run --report sh -c 'echo abc >{}/a; ln -s /nonexistent {}/link; mkfifo {}/fifo'
is "$(what_is_said)" "tmp run: left 3 entries, 4 bytes
     4 bytes  a
     0 bytes  fifo
     0 bytes  link" "what is said of what is no file"
exits 0 "$tool" run --report sh -c 'for i in $(seq 25); do : >{}/$i; done'
says "  and 5 more files"
if [ "$(id -u)" != 0 ]; then # root can read it
    exits 0 "$tool" run --report sh -c 'mkdir {}/a {}/b {}/c; : >{}/a/1; : >{}/b/2; : >{}/c/3; chmod 0 {}/b'
    says "left at least 5 entries"
    says " a/1"
    says " c/3"
fi
for lost in 'exec 2>&-' 'exec 2>/dev/full'; do
    exits 125 sh -c "$lost"'; exec "$@"' sh "$tool" run --report true
    exits 3 sh -c "$lost"'; exec "$@"' sh "$tool" run --report -v sh -c 'exit 3'
    exits 137 sh -c "$lost"'; exec "$@"' sh "$tool" run --report -v sh -c 'kill -9 $$'
    empty into
done

# --- The same for programs ---

# told KEY EXPRESSION...: what Python makes of the JSON report, called r.
told() {
    python3 -c 'import json, sys
r = json.load(open("report.json"))
print(*(eval(one) for one in sys.argv[1:]), sep="; ")' "$@"
}
exits 0 "$tool" run --report-json report.json true
is "$(told r)" "{'status': 0, 'signal': None, 'kept': None, 'entries': 0, 'bytes': 0, 'complete': True, 'unseen_processes': $(told 'r["unseen_processes"]'), 'files': []}" "what is told of nothing"
is "$(out)$(cat err)" "" "what is printed beside"
exits 143 "$tool" run --report-json report.json --keep=on-failure sh -c '
    for i in $(seq 25); do head -c "$i" /dev/zero >{}/$i; done; : >"$(printf "{}/x\377\ny\"")"
    exec 7>{}/gone 8>{}/log
    echo xy >&7; rm {}/gone
    sh -c "echo \$\$ >said; exec cat hold" 3>&- 4>&- &
    kill $$'
read -r reader <said
is "$(told 'r["status"]' 'r["signal"]' 'r["kept"]' 'r["entries"]' 'r["bytes"]' 'r["complete"]' 'len(r["files"])')" \
    "143; 15; $(echo "$scratch"/into/tmp*); 27; 325; True; 28" "what is told of 27 files"
is "$(told '[(f["path"], f["bytes"], f["deleted"], [o["pid"] for o in f["opened_by"]]) for f in r["files"][:3]]')" \
    "[('gone', 3, True, [$reader]), ('log', 0, False, [$reader]), ('25', 25, False, [])]" "what is told first"
is "$(told 'r["files"][0]["opened_by"][0]["program"] in ("sh", "cat")')" True "the program"
is "$(told 'r["files"][-1]["path"] == "x\ufffd\ny\""')" True "a name that is not UTF-8"
kill "$reader"
rm -r into/tmp*
exits 2 "$tool" run --report-json= true
says 'tmp run: --report-json "" is no path'
exits 2 "$tool" run --report-json - true
says 'tmp run: --report-json "-" is no file, which could be replaced; name one'
exits 127 "$tool" run --report-json report.json nonexistent
is "$(told 'r["status"]')" 127 "the status of what is not found"
# A report that cannot be written is lost with an error, and only that is.
exits 125 "$tool" run --report-json nonexistent/report.json true
says "tmp run: cannot publish"
exits 3 "$tool" run --report-json nonexistent/report.json sh -c 'exit 3'
says "tmp run: cannot publish"
empty into
# The command may make the place for it.
exits 0 "$tool" run --report-json new/report.json mkdir new
rm new/report.json

# --- Where it is not allowed ---

export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" # which does not go together with strace
refused() {
    exits 125 strace -o /dev/null -e "trace=$1" -e "inject=$1:error=$2" "$tool" run "$3" touch ran
    says "tmp run: ${3%=*} is not possible here ("
    case $2 in
        EPERM | EACCES) says "it takes root, or user namespaces for all users" ;;
        *) ! grep -q "it takes root, or user namespaces for all users" err || fail "$1 $2: the wrong advice: $(cat err)" ;;
    esac
    says "${4-}"
    [ ! -e ran ] || fail "it was run all the same"
    empty into
}
if strace -o /dev/null true 2>/dev/null; then
    for option in --private --size-limit=1M; do
        refused unshare EPERM "$option"
        refused unshare ENOSPC "$option" "see user.max_user_namespaces and user.max_mnt_namespaces with sysctl"
        refused unshare EUSERS "$option" "so many are in each other here that there can be no further one"
        refused unshare EINVAL "$option" "this kernel has none, and without user namespaces it takes root"
        refused unshare ENOMEM "$option" "(a mount namespace: Cannot allocate memory)"
        if unshare_user true || [ "$(id -u)" = 0 ]; then
            refused mount EACCES "$option"
            refused mount ENOSPC "$option" "see fs.mount-max with sysctl"
        fi
    done
else
    echo "skipped: no strace, or not allowed: a system that refuses"
fi
# Limits for all that is in a user namespace, which can be set in one of our own. Without CAP_SYS_ADMIN another one is
# needed there.
if unshare_user sh -c 'echo 1 >/proc/sys/user/max_mnt_namespaces'; then
    exits 125 unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_mnt_namespaces && exec "$@"' sh \
        "$tool" run --private true
    says "(a mount namespace: No space left on device); there are as many as there may be"
    exits 125 unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"' sh \
        setpriv --bounding-set=-sys_admin --inh-caps=-all "$tool" run --size-limit 1M true
    says "(a user namespace: No space left on device); there are as many as there may be"
    empty into
else
    echo "skipped: no user namespaces: as many as there may be"
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

# A control group has less, or one around it. What the system says of them is told by files here.
if unshare_user mount --bind into into; then
    # within GROUPS MOUNTS SIZE: tmp run --size-limit SIZE, which reads that in /proc/self/cgroup and mountinfo.
    within() {
        echo "$1" >groups
        echo "$2" >mounts
        unshare --user --map-root-user --mount sh -c 'mount --bind groups /proc/$$/cgroup &&
            mount --bind mounts /proc/$$/mountinfo && exec "$@"' sh "$tool" run --size-limit "$3" true
    }
    beyond="tmp run: --size-limit is more than there is: what it limits is in memory, and this process may have"
    mkdir -p v2/outer/inner v1/inner
    echo max | tee v2/memory.max >v2/outer/inner/memory.max
    echo 8388608 >v2/outer/memory.max
    echo 0 | tee v2/outer/memory.swap.max >v2/outer/inner/memory.swap.max
    mounted="36 35 0:31 / $scratch/v2 rw,nosuid shared:9 - cgroup2 cgroup2 rw"
    exits 125 within 0::/outer/inner "$mounted" 9M
    is "$(cat err)" "$beyond 8 MiB of it, with swap ($scratch/v2/outer/memory.max)" "what is said"
    exits 0 within 0::/outer/inner "$mounted" 8M
    exits 0 within 0::/ "$mounted" 9M
    exits 0 within 0::/../elsewhere "$mounted" 9M
    exits 0 within 0::/gone "$mounted" 9M
    # In a container that sees its part alone, under its full name (version 1) or as the root (version 2).
    exits 125 within 0::/ "36 35 0:31 / $scratch/v2/outer rw - cgroup2 cgroup2 rw" 9M
    says "$beyond 8 MiB of it, with swap ($scratch/v2/outer/memory.max)"
    echo 9223372036854771712 | tee v1/memory.limit_in_bytes v1/memory.memsw.limit_in_bytes >v1/inner/memory.limit_in_bytes
    echo 4194304 >v1/inner/memory.memsw.limit_in_bytes
    groups="5:cpu,memory:/docker/a/inner
0::/"
    for root in / /docker/a; do
        [ "$root" = / ] && at=$scratch/v1/inner || at=$scratch/v1
        [ "$root" = / ] && of=/docker/a/inner || of=$root
        mounted="36 35 0:32 $of $at rw - cgroup cgroup rw,cpu,memory"
        exits 125 within "$groups" "$mounted" 5M
        is "$(cat err)" "$beyond 4 MiB of it, with swap ($scratch/v1/inner/memory.memsw.limit_in_bytes)" "what is said"
        exits 0 within "$groups" "$mounted" 4M
    done
    exits 0 within "$groups" "36 35 0:32 / $scratch/v1/inner rw - cgroup cgroup rw,cpu" 5M
else
    echo "skipped: no user namespaces: control groups"
fi

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
# Nor are there empty files without end, or names of one.
for make in 'open(name, "x").close()' 'os.mkdir(name)' 'os.symlink("/nonexistent", name)' 'os.link("0", name)'; do
    exits 1 "$tool" run --size-limit 1M -v python3 -c 'import os, sys
os.chdir(sys.argv[1])
open("0", "x").close()
for name in map(str, range(1, 100000)):
    exec(sys.argv[2])' {} "$make"
    says "[Errno 28] No space left on device: '"
    says "left       4351 entries, 0 bytes" # and itself
    empty into
done
exits 0 "$tool" run --size-limit 16M stat -f -c %c {}
is "$(out)" 8192 "how many files there may be in 16 MiB"
# Where most of the memory is allowed, they are as many as in any tmpfs, and not one for each page.
most=$(($(getconf _PHYS_PAGES) / 2))
large=$(($(getconf _PHYS_PAGES) / 5 * 3 * ($(getconf PAGE_SIZE) / 1024)))K
if "$tool" run --size-limit "$large" stat -f -c %c {} >out 2>/dev/null; then
    is "$(out)" "$most" "how many files there may be in $large"
else
    echo "skipped: less than $large of memory for this process: the most files"
fi
is "$(grep -c tmp-run /proc/mounts)" 0 "what is mounted afterwards"

# --- All by itself ---

# In here is $scratch, which is in /tmp mostly; the working directory stays.
exits 4 "$tool" run --private -v --report sh -c '[ "$1 $TMPDIR $TEMP $TMP" = "/tmp /tmp /tmp /tmp" ] || exit
    ls -A /tmp /var/tmp; stat -c %a /tmp /var/tmp; id -u
    echo x >/tmp/a; echo xx >/var/tmp/b; ls -A into >outside
    exec 7>/tmp/gone; rm /tmp/gone; sh -c "echo \$\$ >said; exec cat hold" 3>&- 4>&- &
    exit 4' sh {}
read -r reader <said
is "$(out)" "/tmp:

/var/tmp:
1777
1777
$(id -u)" "what is there"
sed -i 's/(sh)/(cat)/' err
matches "$(what_is_said)" "command    ended with status 4
left       2 entries, 5 bytes
directory  $scratch/into/tmp*
tmp run: left 2 entries, 5 bytes
     0 bytes  /tmp/gone (deleted), open in $reader (cat)
     3 bytes  /var/tmp/b
     2 bytes  /tmp/a"
kill "$reader"
matches "$(cat outside)" "tmp*"
empty into
for dir in /tmp /var/tmp .; do
    exits 0 "$tool" run --dir "$dir" --prefix "run-private-test-$$-" --private sh -c 'echo x >/tmp/a; echo x >/var/tmp/a'
    is "$(find "$dir" -maxdepth 1 -name "run-private-test-$$-*" -user "$(id -u)")" "" "what is left in $dir"
done
exits 1 "$tool" run --private --size-limit 1M sh -c 'head -c 2M /dev/zero >/var/tmp/a'
says "No space left on device"
# What others have deleted in their /tmp is none of it.
deleted=$(mktemp /tmp/run-private-deleted-XXXXXX)
exec 8>"$deleted"
rm "$deleted"
exits 0 "$tool" run --private --dir /tmp --report true
is "$(what_is_said)" "tmp run: left 0 entries, 0 bytes" "what is said of a file of others"
exec 8>&-
exits 0 "$tool" run --private --report-json report.json sh -c 'echo x >/tmp/a'
is "$(told 'r["entries"]' 'r["bytes"]' 'r["kept"]' 'r["files"]')" \
    "1; 2; None; [{'path': '/tmp/a', 'bytes': 2, 'deleted': False, 'opened_by': []}]" "what is told"
exits 0 "$tool" run --private --report sh -c 'mkdir /tmp/tmp /tmp/var-tmp'
is "$(what_is_said)" "tmp run: left 2 entries, 0 bytes" "what is said of directories that are called so"
# The directory of registries that the library makes is nothing that the command left, as long as it is empty.
exits 0 "$tool" run --private -v --report --report-json report.json \
    sh -c 'unset TEMPFILE_REGISTRY; "$1" run true; ls -d /var/tmp/tempfile-* /tmp/tempfile-* 2>/dev/null | wc -l' sh "$tool"
is "$(out)" 1 "how many directories of registries there are"
says "left       0 entries, 0 bytes"
says "tmp run: left 0 entries, 0 bytes"
is "$(told 'r["entries"]')" 0 "what is told of it"
exits 0 "$tool" run --private -v sh -c 'cd /var/tmp && mkdir "tempfile-$(id -u)" && : >"tempfile-$(id -u)/x"'
says "left       2 entries, 0 bytes"
exits 127 "$tool" run --private nonexistent
is "$(cat err)" 'tmp run: command "nonexistent" is not found; see $PATH, or say its path' "what is said"

# A command that is there, but hidden.
hidden=$(mktemp -d /tmp/run-private-hidden-XXXXXX)
chmod 755 "$hidden"
printf '#!/bin/sh\necho ran\n' >"$hidden/x.sh"
chmod 755 "$hidden/x.sh"
ln -s "$hidden/x.sh" link
for command in "$hidden/x.sh" x.sh; do
    exits 127 env PATH="$PATH:$hidden" "$tool" run --private "$command"
    is "$(cat err)" "tmp run: command \"$command\" is not found: it is $hidden/x.sh, which --private hides with all of /tmp and /var/tmp; put it elsewhere" "what is said"
done
exits 127 "$tool" run --private "$hidden/y.sh"
says "see \$PATH, or say its path"
# Who is in /tmp itself is in the new one.
exits 0 env -C /tmp "$tool" run --private --report sh -c 'pwd; : >"$1"; ls -A /tmp' sh "in-$$"
is "$(out)" "/tmp
in-$$" "what a command finds that is started in /tmp"
says "left 1 entry"
[ ! -e "/tmp/in-$$" ] || fail "it is in the real /tmp"
# From within it is reached.
(cd "$hidden" && exits 0 "$tool" run --private ./x.sh)
is "$(out)" ran "what a command in the working directory prints"
rm -r "$hidden" link
exits 137 "$tool" run --private --size-limit 1M sh -c 'kill -9 $$'

# Without a /var/tmp, and where that is a link to /tmp, which must not be counted twice.
case $(unshare_user echo allowed):$tool:$scratch in
    :*) echo "skipped: no user namespaces: a system without /var/tmp" ;;
    *:/var/*) echo "skipped: all of it is in /var: a system without /var/tmp" ;;
    *)
        for var in 'mount -t tmpfs none /var' 'mount -t tmpfs none /var && ln -s /tmp /var/tmp'; do
            exits 0 unshare --user --map-root-user --mount sh -c "$var"' && exec "$@"' sh \
                "$tool" run --private --report sh -c 'echo x >/tmp/a; ls -A /var/'
            is "$(what_is_said)" "tmp run: left 1 entry, 2 bytes
     2 bytes  /tmp/a" "what is said after $var"
            empty into
        done
        ;;
esac
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
