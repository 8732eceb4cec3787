// Everything that makes names, in one list: what holds for one must hold for all.

#pragma once

#include <functional>
#include <vector>

#include "tempfile/tempfile.hpp"

namespace tempfile::test {

struct creator {
    const char* name;
    std::function<void(const name_options&)> make;                            // the throwing form
    std::function<void(const name_options&, std::error_code&)> make_quietly;  // the other
};

// mktemp is part of what is tested.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

inline std::vector<creator> all_creators() {
    return {
        {"tmpfile", [](const name_options& o) { std::ignore = tmpfile(o); },
         [](const name_options& o, std::error_code& ec) { std::ignore = tmpfile(o, ec); }},
        {"mkstemp", [](const name_options& o) { std::ignore = mkstemp(o); },
         [](const name_options& o, std::error_code& ec) { std::ignore = mkstemp(o, ec); }},
        {"mkdtemp", [](const name_options& o) { std::ignore = mkdtemp(o); },
         [](const name_options& o, std::error_code& ec) { std::ignore = mkdtemp(o, ec); }},
        {"mktemp", [](const name_options& o) { std::ignore = mktemp(o); },
         [](const name_options& o, std::error_code& ec) { std::ignore = mktemp(o, ec); }},
        {"temporary_file",
         [](const name_options& o) {
             const temporary_file made({.prefix = o.prefix, .suffix = o.suffix, .dir = o.dir});
         },
         [](const name_options& o, std::error_code& ec) {
             const temporary_file made({.prefix = o.prefix, .suffix = o.suffix, .dir = o.dir}, ec);
         }},
        {"named_temporary_file",
         [](const name_options& o) {
             const named_temporary_file made({.prefix = o.prefix, .suffix = o.suffix, .dir = o.dir});
         },
         [](const name_options& o, std::error_code& ec) {
             const named_temporary_file made({.prefix = o.prefix, .suffix = o.suffix, .dir = o.dir}, ec);
         }},
        {"spooled_temporary_file",
         [](const name_options& o) {
             spooled_temporary_file made({.prefix = o.prefix, .suffix = o.suffix, .dir = o.dir});
             made.rollover();
         },
         [](const name_options& o, std::error_code& ec) {
             spooled_temporary_file made({.prefix = o.prefix, .suffix = o.suffix, .dir = o.dir}, ec);
             if (!ec) {
                 made.rollover(ec);
             }
         }},
        {"temporary_directory",
         [](const name_options& o) {
             const temporary_directory made({.prefix = o.prefix, .suffix = o.suffix, .dir = o.dir});
         },
         [](const name_options& o, std::error_code& ec) {
             const temporary_directory made({.prefix = o.prefix, .suffix = o.suffix, .dir = o.dir}, ec);
         }},
    };
}

#pragma GCC diagnostic pop

}  // namespace tempfile::test
