// One of everything that makes a descriptor, for tests that hold for all of them.

#pragma once

#include <tempfile/tempfile.hpp>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "support/replace_call.hpp"

namespace tempfile::test {

// What a creator made; it lives as long as this.
struct made {
    std::vector<int> handles;
    std::vector<std::shared_ptr<void>> owners;

    template <class T>
    T& own(T object) {
        auto owner = std::make_shared<T>(std::move(object));
        handles.push_back(owner->native_handle());
        owners.push_back(owner);
        return *owner;
    }
};

struct creator {
    const char* name;
    void (*make)(const std::filesystem::path& dir, made& all);

    friend void PrintTo(const creator& c, std::ostream* out) { *out << c.name; }
};

// The name that mkstemp left, removed by the time of the tests.
inline file nameless_mkstemp(const std::filesystem::path& dir) {
    auto [file, path] = mkstemp({.dir = dir});
    std::filesystem::remove(path);
    return std::move(file);
}

inline spooled_temporary_file rolled_spool(const std::filesystem::path& dir) {
    spooled_temporary_file spool({.max_size = 0, .dir = dir});
    spool << "rolled over";
    return spool;
}

inline temporary_file without_o_tmpfile(const std::filesystem::path& dir) {
    const replace_call<&sys::calls::create_unnamed> none([](auto...) { return EOPNOTSUPP; });
    return temporary_file({.dir = dir});
}

inline const std::vector<creator> creators = {
    {"mkstemp", [](const auto& dir, made& all) { all.own(nameless_mkstemp(dir)); }},
    {"file_reopen", [](const auto& dir, made& all) { all.own(all.own(nameless_mkstemp(dir)).reopen()); }},
    {"file_object", [](const auto& dir, made& all) { all.own(file_object(nameless_mkstemp(dir))); }},
    {"temporary_file", [](const auto& dir, made& all) { all.own(temporary_file({.dir = dir})); }},
    {"temporary_file_reopen",
     [](const auto& dir, made& all) { all.own(all.own(temporary_file({.dir = dir})).reopen()); }},
    {"without_O_TMPFILE", [](const auto& dir, made& all) { all.own(without_o_tmpfile(dir)); }},
    {"named_temporary_file", [](const auto& dir, made& all) { all.own(named_temporary_file({.dir = dir})); }},
    {"named_temporary_file_reopen",
     [](const auto& dir, made& all) { all.own(all.own(named_temporary_file({.dir = dir})).reopen()); }},
    {"temporary_directory", [](const auto& dir, made& all) { all.own(temporary_directory({.dir = dir})); }},
    {"rolled_spool", [](const auto& dir, made& all) { all.own(rolled_spool(dir)); }},
    {"rolled_spool_reopen", [](const auto& dir, made& all) { all.own(all.own(rolled_spool(dir)).reopen()); }},
    {"spool_fileno",
     [](const auto& dir, made& all) {
         auto spool = std::make_shared<spooled_temporary_file>(spooled_temporary_file_options{.dir = dir});
         all.handles.push_back(spool->fileno());
         all.owners.push_back(spool);
     }},
};

}  // namespace tempfile::test
