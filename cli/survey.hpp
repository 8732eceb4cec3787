// What `tmp rm` would remove: the way of remove_tree through a tree, with nothing touched.

#pragma once

#include <tempfile/remove_tree.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace tool {

struct survey_options {
    bool details = false;                            // bytes, and what cannot be removed
    std::function<void(const std::string&)> tell{};  // the path of each entry, when set
    std::function<bool()> go_on{};                   // asked for each directory and each 1,024 entries, when set
};

class survey {
public:
    explicit survey(survey_options options) : options_(std::move(options)) {}

    // As remove_tree(path) would answer, as far as can be seen: what is mounted, cannot be looked into, or may not be
    // removed by its owner, its directory's mode, attributes, and the file system. Throws std::invalid_argument for a
    // path that is refused. Files with several names count where the last of them is met, in whichever call.
    tempfile::removal_report look_at(const std::string& path);

private:
    friend class survey_walk;

    survey_options options_;
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> names_seen_;  // of files with several, by identity
};

}  // namespace tool
