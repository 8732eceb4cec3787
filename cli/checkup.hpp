// What `tmp doctor` looks at.

#pragma once

#include <string>
#include <vector>

namespace tool {

enum class level {
    ok,
    note,     // good to know
    warning,  // something will go wrong for somebody
    problem,  // something goes wrong now
};

const char* word_for(level l);

struct finding {
    level severity = level::ok;
    std::string id;       // for programs, the same in every release
    std::string subject;  // the directory, variable or program it is about
    std::string what;     // one line
    std::string means;    // empty where `what` says it
    std::string remedy;   // empty where there is nothing to be done
};

using findings = std::vector<finding>;

// Everything but deleted files (deleted.hpp): the variables and directories, the registry, what dead programs left
// (for root: of other users too), cleaners, and the kernel's settings.
findings check_all();

}  // namespace tool
