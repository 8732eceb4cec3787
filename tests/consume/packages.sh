#!/bin/sh
# The Debian packages: they are made, installed, work, and leave nothing when they are removed. In a root of their own, to
# which no other package belongs.
# shellcheck source=SCRIPTDIR/consume.sh
. "$(dirname "$0")/consume.sh"

for needed in cpack dpkg dpkg-deb gzip; do
    command -v "$needed" >/dev/null || { echo "SKIPPED: needs $needed"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "SKIPPED: needs root, to install packages"; exit 77; }

fail() {
    echo "FAILED: $*"
    exit 1
}

(cd "$built" && cpack -G DEB -B "$work/packages" -D CPACK_DEBIAN_COMPRESSION_TYPE=gzip) >"$work/cpack.log" 2>&1 || fail "cpack: $(cat "$work/cpack.log")"
ls "$work/packages"
if [ -n "$(find "$work/packages" -name 'libtempfile[0-9]*.deb')" ]; then
    # ldconfig is run in that root, which has none.
    echo "SKIPPED: a shared library is not installed without a system around it; .ci/fresh-debian does that"
    exit 77
fi

root=$work/root
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
: >"$root/var/lib/dpkg/status"
in_root() {
    dpkg --root="$root" --log=/dev/null --path-include='*' --force-depends --force-script-chrootless "$@" >"$work/dpkg.log" 2>&1 ||
        fail "dpkg $*: $(cat "$work/dpkg.log")"
}
find "$root" | sort >"$work/before"
in_root -i "$work/packages"/*.deb

made=$(TMPDIR=$work "$root/usr/bin/tmp" file)
[ -f "$made" ] || fail "the installed tool made no file: $made"
for there in share/man/man1/tmp.1.gz share/man/man1/tmp-file.1.gz share/bash-completion/completions/tmp \
    share/zsh/vendor-completions/_tmp share/fish/vendor_completions.d/tmp.fish share/doc/tmp/copyright \
    share/doc/libtempfile-dev/copyright lib/systemd/user/tmp-sweep.timer lib/systemd/system/tmp-sweep.timer; do
    [ -f "$root/usr/$there" ] || fail "there is no /usr/$there"
done
gzip -t "$root/usr/share/man/man1"/*.gz
grep -qE '^ExecStart="?/usr/bin/tmp' "$root/usr/lib/systemd/system/tmp-sweep.service" || fail "the service runs another tool"
archive=$(find "$root/usr" -name libtempfile.a)
# shellcheck disable=SC2086  # flags are several
$CXX $CXXFLAGS -std=c++20 -I "$root/usr/include" "$here/user.cpp" "$archive" -o "$work/user"
expect_recipe "$work/user"

in_root --purge tmp libtempfile-dev
left=$(find "$root" ! -path '*/var/lib/dpkg/*' | sort | comm -13 "$work/before" -)
[ -z "$left" ] || fail "this is left: $left"
