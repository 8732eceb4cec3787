#include "file_metadata.hpp"

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace tempfile {
namespace {

constexpr const char* acl = "system.posix_acl_access";

constexpr const char* default_acl = "system.posix_acl_default";  // of a directory

// Not what file systems and security modules keep there for themselves, or about the contents.
bool is_copied(std::string_view name) {
    return name.starts_with("user.") || name == acl || name == default_acl || name == "system.nfs4_acl" ||
           name == "security.selinux";
}

// Writing to a file in place takes its capabilities away (capabilities(7)), and so does replacing it; but that is told.
bool is_missed(std::string_view name) {
    return name == "security.capability";
}

// Calls read(into, bytes, used) with room for all of it, which may grow meanwhile.
template <class Read>
sys::error read_whole(std::string& all, Read read) {
    std::size_t used = 0;
    sys::error e = ERANGE;
    for (all.resize(256); e == ERANGE && all.size() <= 64 * 1024; all.resize(all.size() * 4)) {  // xattr(7): 64 KiB
        e = read(all.data(), all.size(), used);
        if (e != ERANGE) {
            break;
        }
    }
    all.resize(e == 0 ? used : 0);
    return e;
}

bool are_none(sys::error e) noexcept {
    return e == EOPNOTSUPP || e == ENOSYS || e == EPERM;
}

}  // namespace

file_metadata file_metadata::of(sys::handle h, const sys::metadata& known) {
    file_metadata all;
    all.owner_ = known.owner;
    all.group_ = known.group;
    all.permissions_ = known.permissions;
    all.is_directory_ = known.what == sys::kind::directory;
    std::string names;
    const sys::error e = read_whole(names, [&](char* into, std::size_t bytes, std::size_t& used) {
        return sys::call.list_attributes(h, into, bytes, used);
    });
    if (e != 0 && !are_none(e)) {
        all.unreadable_.emplace_back("extended attributes");
        all.acl_lost_ = true;  // there may be one
    }
    for (std::size_t at = 0; at < names.size();) {
        std::string name = names.c_str() + at;
        at += name.size() + 1;
        std::string value;
        if (!is_copied(name)) {
            if (is_missed(name)) {
                all.unreadable_.push_back(std::move(name));
            }
            continue;
        }
        const sys::error missing = read_whole(value, [&](void* into, std::size_t bytes, std::size_t& used) {
            return sys::call.attribute(h, name.c_str(), into, bytes, used);
        });
        if (missing == 0) {
            all.attributes_.emplace_back(std::move(name), std::move(value));
        } else if (missing != ENODATA) {
            all.acl_lost_ = all.acl_lost_ || name == acl;
            all.unreadable_.push_back(std::move(name));
        }
    }
    return all;
}

// Whether the group is the same now.
bool file_metadata::apply_owner(sys::handle to, const sys::metadata& now, std::vector<std::string>& not_copied) const {
    constexpr std::uint64_t as_it_is = ~std::uint64_t{0};  // chown(2)
    if (now.owner == owner_ && now.group == group_) {
        return true;
    }
    if (sys::call.set_owner(to, owner_, group_) == 0) {
        return true;
    }
    const bool same_group = now.group == group_ || sys::call.set_owner(to, as_it_is, group_) == 0;
    if (now.owner != owner_) {
        not_copied.emplace_back("owner");
    }
    if (!same_group) {
        not_copied.emplace_back("group");
    }
    return same_group;
}

// Whether there was an ACL that it has not got.
bool file_metadata::apply_attributes(sys::handle to, bool same_group, std::vector<std::string>& not_copied) const {
    bool acl_lost = acl_lost_;
    bool has_acl = false;
    bool has_default = false;
    for (const auto& [name, value] : attributes_) {
        has_acl = has_acl || name == acl;
        has_default = has_default || name == default_acl;
        // An ACL says what the group may, and would say it of another group.
        const bool wrong = name == acl && !same_group;
        if (wrong || sys::call.set_attribute(to, name.c_str(), value.data(), value.size()) != 0) {
            not_copied.push_back(name);
            acl_lost = acl_lost || name == acl;
        }
    }
    // Inherited from its directory; ENODATA where there is none.
    if (!has_acl) {
        sys::call.remove_attribute(to, acl);
    }
    if (is_directory_ && !has_default) {
        sys::call.remove_attribute(to, default_acl);
    }
    return acl_lost;
}

sys::error file_metadata::apply(sys::handle to, const sys::metadata& now, std::vector<std::string>& not_copied) const {
    constexpr std::uint32_t for_group = 070;
    constexpr std::uint32_t with_rights_of_owner = 06000;
    not_copied.insert(not_copied.end(), unreadable_.begin(), unreadable_.end());
    const std::size_t before = not_copied.size();
    const bool same_group = apply_owner(to, now, not_copied);
    const bool same_owners = not_copied.size() == before;
    const bool acl_lost = apply_attributes(to, same_group, not_copied);
    std::uint32_t wanted = permissions_;
    // Of a file with an ACL these bits say what any of its entries may at most (acl(5)), not what the group may.
    if (!exact_ && (!same_group || acl_lost)) {
        wanted &= ~for_group | ((wanted & 07U) << 3U);
    }
    if (!exact_ && !same_owners) {
        wanted &= ~with_rights_of_owner;
    }
    return sys::call.set_permissions(to, wanted);
}

void file_metadata::take_back(sys::handle from) const noexcept {
    for (const auto& each : attributes_) {
        sys::call.remove_attribute(from, each.first.c_str());
    }
}

}  // namespace tempfile
