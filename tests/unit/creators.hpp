// Everything that makes names, in one list: what holds for one must hold for all.

#pragma once

#include <functional>
#include <tuple>
#include <vector>

#include "tempfile/tempfile.hpp"

namespace tempfile::test {

struct creator {
    // `make` is called as make(options) and as make(options, ec).
    template <class Make>
    creator(const char* what, Make make_either) : name(what), make(make_either), make_quietly(make_either) {}

    const char* name;
    std::function<void(const name_options&)> make;                            // the throwing form
    std::function<void(const name_options&, std::error_code&)> make_quietly;  // the other
};

// An object with options like those of the functions.
template <class Object, class Options>
creator object_creator(const char* name) {
    return {name, [](const name_options& o, auto&... ec) {
                const Object made(Options{.prefix = o.prefix, .suffix = o.suffix, .dir = o.dir}, ec...);
            }};
}

// A spool makes nothing before it rolls over.
inline creator spool_creator() {
    return {"spooled_temporary_file", [](const name_options& o, auto&... ec) {
                spooled_temporary_file made({.prefix = o.prefix, .suffix = o.suffix, .dir = o.dir}, ec...);
                if (!made.closed()) {
                    made.rollover(ec...);
                }
            }};
}

// mktemp is part of what is tested.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

inline std::vector<creator> all_creators() {
    return {
        {"tmpfile", [](const name_options& o, auto&... ec) { std::ignore = tmpfile(o, ec...); }},
        {"mkstemp", [](const name_options& o, auto&... ec) { std::ignore = mkstemp(o, ec...); }},
        {"mkdtemp", [](const name_options& o, auto&... ec) { std::ignore = mkdtemp(o, ec...); }},
        {"mktemp", [](const name_options& o, auto&... ec) { std::ignore = mktemp(o, ec...); }},
        object_creator<temporary_file, temporary_file_options>("temporary_file"),
        object_creator<named_temporary_file, named_temporary_file_options>("named_temporary_file"),
        object_creator<temporary_directory, temporary_directory_options>("temporary_directory"),
        spool_creator(),
    };
}

#pragma GCC diagnostic pop

}  // namespace tempfile::test
