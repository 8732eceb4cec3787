// Mode, owner, group, ACL and other extended attributes, from one file to another.

#pragma once

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
    // itself cannot be set, which is done last. Where the group is not the one it had, the group gets no more than
    // everybody.
    sys::error apply(sys::handle to, const sys::metadata& now, std::vector<std::string>& not_copied) const;

    // Takes away the attributes that apply() has given.
    void take_back(sys::handle from) const noexcept;

    void set_mode(std::uint32_t permissions) noexcept {
        permissions_ = permissions;
        exact_ = true;
    }

private:
    bool apply_owner(sys::handle to, const sys::metadata& now, std::vector<std::string>& not_copied) const;
    bool apply_attributes(sys::handle to, bool same_group, std::vector<std::string>& not_copied) const;

    std::uint64_t owner_ = 0;
    std::uint64_t group_ = 0;
    std::uint32_t permissions_ = 0;
    bool exact_ = false;  // whatever the owner
    bool is_directory_ = false;
    bool acl_lost_ = false;  // one that could not be read
    std::vector<std::pair<std::string, std::string>> attributes_;
    std::vector<std::string> unreadable_;
};

}  // namespace tempfile
