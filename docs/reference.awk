# What Doxygen reads instead of a header. In our headers one comment serves all declarations that follow it without an
# empty line between; Doxygen wants one for each, so each gets a copy. No line is added: its messages name the right
# ones.

function indentation(line) {
    match(line, /^ */)
    return RLENGTH
}

/^ *\/\/\// {
    if (!in_comment) comment = ""
    in_comment = 1
    depth = indentation($0)
    line = $0
    sub(/^ *\/\/\/ ?/, "", line)
    comment = comment " " line
    print
    next
}

/^ *$/ { comment = "" }

comment != "" && comment !~ /^ @(cond|endcond|name|{|})/ && !in_comment && indentation($0) == depth && $0 !~ /^ *[})\/]/ {
    printf "%" depth "s/**%s */ ", "", comment
    sub(/^ */, "")
}

{ in_comment = 0; print }
