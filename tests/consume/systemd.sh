#!/bin/sh
# The systemd units name the tool where it was installed, and systemd has nothing to say against them.
# shellcheck source=SCRIPTDIR/consume.sh
. "$(dirname "$0")/consume.sh"

install_library
# Installed from one build twice at the same time, each would find what the other has written there. (Other tests make
# and remove things in the build's folder "tests" meanwhile.)
between=$(find "$built" \( -name prefix -o -path "$built/tests" \) -prune -o -name 'tmp-sweep.service' -print)
[ -z "$between" ] || { echo "FAILED: the installation writes to the build first: $between"; exit 1; }
for manager in user system; do
    units="$work/prefix/lib/systemd/$manager"
    tool=$(sed -n 's/^ExecStart="\([^"]*\)" sweep.*/\1/p' "$units/tmp-sweep.service")
    [ "$tool" = "$work/prefix/bin/tmp" ] || { echo "FAILED: the $manager service runs \"$tool\""; exit 1; }
    "$tool" --version >/dev/null
done
command -v systemd-analyze >/dev/null || { echo "SKIPPED: the rest needs systemd-analyze (package systemd)"; exit 77; }
for manager in user system; do
    units="$work/prefix/lib/systemd/$manager"
    # It fails for some of what it complains about.
    said=$(XDG_RUNTIME_DIR=$scratch systemd-analyze verify --man=no "--$manager" "$units/tmp-sweep.service" \
        "$units/tmp-sweep.timer" 2>&1) || said="failed. $said"
    [ -z "$said" ] || { echo "FAILED: systemd-analyze says of the $manager units: $said"; exit 1; }
done
