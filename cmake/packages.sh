# shellcheck shell=sh disable=SC2154  # $root is set by who sources this
# need WHAT...: sees to it that the packages for WHAT (the first column of packages.txt) are there: installs those that
# are missing, and only those, or says which they are and fails. To be sourced, with $root set to the project's folder.
# Reads nothing from standard input, and writes to standard error only.

is_here() {
    case $1 in
        /*) [ -e "$1" ] ;;
        */*) [ -e "/usr/include/$1" ] || echo "#include <$1>" | ${CXX:-c++} -E -x c++ - >/dev/null 2>&1 ;;
        c++) command -v "${CXX:-c++}" >/dev/null ;;
        *) command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] ;;
    esac
}

need() {
    missing=
    not_found=
    while read -r purpose package evidence; do
        case " $* " in
            *" $purpose "*) is_here "$evidence" || { missing="$missing $package" not_found="$not_found $evidence"; } ;;
        esac
    done <"$root/cmake/packages.txt"
    [ -z "$missing" ] || install_missing >&2 </dev/null
}

install_missing() {
    if ! command -v apt-get >/dev/null; then
        echo "${0##*/}: not found:$not_found"
        echo "There is no apt-get here to install them. In Debian they are in the packages:$missing"
        return 1
    fi
    as_root=
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null; then
            say_what_to_run "not found:$not_found"
            return 1
        fi
        as_root=sudo
    fi
    echo "${0##*/}: installing$missing"
    # An update may fail for the sake of a source that has none of ours: whether it matters, the installation tells.
    $as_root apt-get -q update || echo "${0##*/}: apt-get update failed; trying to install all the same"
    # shellcheck disable=SC2086  # a list of packages
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing || {
        say_what_to_run "apt-get failed"
        return 1
    }
}

say_what_to_run() {
    echo "${0##*/}: $1"
    echo "Run this as root, then try again: apt-get install --no-install-recommends$missing"
}
