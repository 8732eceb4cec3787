#!/bin/sh
# What is said about a path or an argument cannot play tricks on the terminal, and stays readable.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

# sent BYTES SHOWN: a directory that is not there, by a name with these bytes (as for printf), is shown like that.
sent() {
    dir=$(printf '/nowhere/a%bz' "$1")
    exits 1 "$tool" file --dir "$dir"
    says "/nowhere/a$2""z]"
    is "$(wc -l <err)" 1 "lines of the message about $2"
}

sent '\n' '\n'
sent '\r' '\r'
sent '\t' '\t'
sent '\033[2J' '\x1b[2J'
sent '\001\0177' '\x01\x7f'
sent 'ä€😀' 'ä€😀'
sent '\0302\0240' "$(printf '\302\240')" # the first that is no control character
sent '\0302\0233' '\xc2\x9b'             # the control sequence introducer of 8 bits
sent '\0233' '\x9b'
sent '\0300\0233' '\xc0\x9b' # ESC in more bytes than it takes
sent '\0340\0200\0233' '\xe0\x80\x9b'
sent '\0360\0200\0200\0233' '\xf0\x80\x80\x9b'
sent '\0342\0202' '\xe2\x82' # cut off
sent '\0377\0370\0200' '\xff\xf8\x80'

# Wherever words of the caller appear.
esc=$(printf '\033[31m')
shown='\x1b[31m'
for arguments in "$esc" "--$esc" "file --$esc" "file $esc" "file --prefix /$esc" "spool --max-size $esc" "dir --dir /$esc" "mktemp --$esc" \
    "mktemp -d --$esc x"; do
    # shellcheck disable=SC2086  # they are several
    "$tool" $arguments >out 2>err </dev/null && fail "$arguments: succeeded"
    says "$shown"
    ! grep -qF "$esc" err || fail "$arguments: the message has a control character in it"
done
exits 1 "$tool" mktemp "$esc"
says '\033[31m' # as GNU mktemp has it
mkdir "$esc"
echo x | "$tool" spool -v --max-size 0 --dir "$esc" >out 2>err || fail "spool: status $?"
says "a file without a name in $scratch/$shown"
exits 0 env TMPDIR="$scratch/$esc" "$tool" recipe
prints "\$TMPDIR $scratch/$shown"
! grep -qF "$esc" out || fail "the recipe has a control character in it"

# The answer is a path, not a message: exactly the name.
exits 0 "$tool" file --dir "$esc" --prefix "$(printf 'a\nb')"
[ -f "$(out)" ] || fail "not the path of a file: $(out)"
finish
