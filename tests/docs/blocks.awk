# Takes the code blocks out of a document: awk -v out=DIRECTORY -v source=NAME -f blocks.awk DOCUMENT
#
# A block is ```LANGUAGE ... ``` in Markdown, and @code ... @endcode behind /// in a header. Each becomes a file of its
# own in `out`; one line KIND ID LINE says on standard output what it is:
#
#   function  C++ to run as the body of a function
#   program   C++ with an #include or a main of its own
#   cmake     a piece of a user's CMakeLists.txt
#   sh        commands, for sh, bash and zsh alike
#   fish      commands for fish
#   console   commands, each behind "$ " and before what it prints
#   exempt    not to be run: ID.reason says why, as the comment <!-- not run: WHY --> in front of it did
#
# A block of `text` right behind one of these is what it prints, and becomes ID.out.

BEGIN {
    stem = source
    sub(/.*\//, "", stem)
    sub(/\.md$/, "", stem)
    gsub(/[^A-Za-z0-9]/, "_", stem)
    is_header = source ~ /\.hpp$/
    known = " cpp cmake sh fish console text "
}

function fail(message) {
    print source ":" NR ": " message >"/dev/stderr"
    failed = 1
    exit 1
}

function begin_block(lang) {
    language = lang
    if (language == "") fail("a code block without a language; say ```text if it is none")
    if (!index(known, " " language " ")) fail("no way to run a code block of language " language)
    inside = 1
    first = NR + 1
    body = ""
}

function write(extension, text) {
    printf "%s", text >(out "/" id "." extension)
    close(out "/" id "." extension)
}

function end_block(    kind) {
    inside = 0
    if (language == "text") {
        if (behind_code) write("out", body)
        behind_code = 0
        reason = ""
        return
    }
    kind = language
    if (language == "cpp") kind = body ~ /(^|\n)#include|int main\(/ ? "program" : "function"
    id = stem "_" first
    if (language == "cpp") body = "#line " first " \"" source "\"\n" body
    if (reason != "") {
        kind = "exempt"
        write("reason", reason "\n")
    } else {
        write(language, body)
    }
    print kind " " id " " first
    behind_code = kind != "exempt"
    reason = ""
}

is_header {
    line = $0
    is_comment = sub(/^ *\/\/\/ ?/, "", line)
    if (inside && line == "@endcode") end_block()
    else if (inside && !is_comment) fail("an @code block without its @endcode")
    else if (inside) body = body line "\n"
    else if (is_comment && line == "@code") begin_block("cpp")
    next
}

/^```/ && !inside { begin_block(substr($0, 4)); next }
/^```$/ { end_block(); next }
inside { body = body $0 "\n"; next }
/^<!-- not run: .* -->$/ { reason = substr($0, 15, length($0) - 18); next }
/^<!-- not run/ { fail("say why it is not run: <!-- not run: WHY -->") }
/[^ ]/ {
    if (reason != "") fail("<!-- not run: ... --> must stand right in front of a code block")
    behind_code = 0
}

END {
    if (!failed && inside) fail("the code block that begins at line " first - 1 " does not end")
}
