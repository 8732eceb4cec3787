// Mode, owner, group, ACL and other extended attributes, from one file to another.

#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "problem.hpp"

namespace tempfile {

class file_metadata {
public:
    // Those of an open file. What cannot be read of its attributes counts as not copied.
    static file_metadata of(sys::handle h, const sys::metadata& known);

    // A function that reads them into `found`.
    static auto looking(std::optional<file_metadata>& found) {
        return [&found](sys::handle h) {
            sys::metadata known;
            const sys::error e = sys::call.stat(h, known);
            if (e == 0) {
                found = of(h, known);
            }
            return e;
        };
    }

    // Gives them to `to`, which has those of `now`. Says what the system did not allow; an error only where the mode
    // itself cannot be set, which is done last. Where group or ACL are not those it had, nobody gets more
    // than before.
    sys::error apply(sys::handle to, const sys::metadata& now, std::vector<std::string>& not_copied) const;

    // Takes away the attributes that apply() has given.
    void take_back(sys::handle from) const noexcept;

    // This mode, whatever the owner.
    void set_mode(std::uint32_t permissions) noexcept {
        permissions_ = permissions;
        exact_ = true;
    }

private:
    // What came of giving it.
    struct applied {
        std::vector<std::string>& not_copied;
        bool same_group = true;
        bool acl_lost = false;         // there was one that it has not got
        bool mode_may_differ = false;  // from what it was
    };

    void apply_owner(sys::handle to, const sys::metadata& now, applied& how) const;
    void apply_attributes(sys::handle to, applied& how) const;
    [[nodiscard]] std::uint32_t rights_without_acl() const;

    std::uint64_t owner_ = 0;
    std::uint64_t group_ = 0;
    std::uint32_t permissions_ = 0;
    bool exact_ = false;  // whatever the owner
    bool is_directory_ = false;
    bool acl_lost_ = false;  // one that could not be read
    std::vector<std::pair<std::string, std::string>> attributes_;
    std::vector<std::string> unreadable_;
};

// What is done to a file or directory before it gets its final name, and undone when it does not get it.
class presentation {
public:
    // `to`, which has the metadata `now`, gets that which was chosen; where none was, `mode`, where there is one.
    sys::error give(sys::handle to, const sys::metadata& now, std::optional<file_metadata>&& chosen,
                    std::optional<std::filesystem::perms> mode, std::vector<std::string>& not_copied);
    void take_back(sys::handle from) noexcept;

private:
    std::optional<sys::metadata> before_;
    std::optional<file_metadata> given_;
};

}  // namespace tempfile
