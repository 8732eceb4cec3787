// Everything that makes names, in one list: what holds for one must hold for all.

#pragma once

#include <functional>
#include <tuple>
#include <vector>

#include "tempfile/tempfile.hpp"

namespace tempfile::test {

struct creator {
    const char* name;
    std::function<void(const name_options&)> make;                            // the throwing form
    std::function<void(const name_options&, std::error_code&)> make_quietly;  // the other
};

template <class Object, class Options>
creator object_creator(const char* name) {
    const auto told = [](const name_options& o) {
        return Options{.prefix = o.prefix, .suffix = o.suffix, .dir = o.dir};
    };
    return {name, [told](const name_options& o) { const Object made(told(o)); },
            [told](const name_options& o, std::error_code& ec) { const Object made(told(o), ec); }};
}

// A spool makes nothing before it rolls over.
inline creator spool_creator() {
    return {"spooled_temporary_file",
            [](const name_options& o) {
                spooled_temporary_file made({.prefix = o.prefix, .suffix = o.suffix, .dir = o.dir});
                made.rollover();
            },
            [](const name_options& o, std::error_code& ec) {
                spooled_temporary_file made({.prefix = o.prefix, .suffix = o.suffix, .dir = o.dir}, ec);
                if (!ec) {
                    made.rollover(ec);
                }
            }};
}

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
        object_creator<temporary_file, temporary_file_options>("temporary_file"),
        object_creator<named_temporary_file, named_temporary_file_options>("named_temporary_file"),
        object_creator<temporary_directory, temporary_directory_options>("temporary_directory"),
        spool_creator(),
    };
}

#pragma GCC diagnostic pop

}  // namespace tempfile::test
