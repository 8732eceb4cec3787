#include "file_metadata.hpp"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

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

constexpr std::uint32_t for_group = 070;
constexpr std::uint32_t for_others = 07;
constexpr std::uint32_t all_rights = 07;

// The bits of group and others that give nobody more than an ACL did which is not to be had any more: those whom it
// named belong to the others then, or to the group. As in linux/posix_acl_xattr.h: a version, then for each entry a
// tag, what it allows, and whom, little-endian.
std::uint32_t without_acl(const std::string& value) {
    constexpr std::size_t header = 4;
    constexpr std::size_t entry = 8;
    std::uint32_t named = all_rights;
    std::uint32_t group = 0;
    std::uint32_t others = 0;
    for (std::size_t at = header; at + entry <= value.size(); at += entry) {
        const auto rights = static_cast<unsigned char>(value[at + 2]) & all_rights;
        switch (value[at]) {
            case 0x02:  // a user
            case 0x08:  // a group
            case 0x10:  // what all but owner and others may at most
                named &= rights;
                break;
            case 0x04:
                group = rights;
                break;
            case 0x20:
                others = rights;
                break;
            default:
                break;
        }
    }
    return (group & named) << 3U | (others & named);
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

void file_metadata::apply_owner(sys::handle to, const sys::metadata& now, applied& how) const {
    constexpr std::uint64_t as_it_is = ~std::uint64_t{0};  // chown(2)
    if (now.owner == owner_ && now.group == group_) {
        return;
    }
    how.mode_may_differ = true;
    if (sys::call.set_owner(to, owner_, group_) == 0) {
        return;
    }
    how.same_group = now.group == group_ || sys::call.set_owner(to, as_it_is, group_) == 0;
    if (now.owner != owner_) {
        how.not_copied.emplace_back("owner");
    }
    if (!how.same_group) {
        how.not_copied.emplace_back("group");
    }
}

void file_metadata::apply_attributes(sys::handle to, applied& how) const {
    bool has_acl = false;
    bool has_default = false;
    for (const auto& [name, value] : attributes_) {
        how.mode_may_differ = true;
        has_acl = has_acl || name == acl;
        has_default = has_default || name == default_acl;
        // An ACL says what the group may, and would say it of another group.
        const bool wrong = name == acl && !how.same_group;
        if (wrong || sys::call.set_attribute(to, name.c_str(), value.data(), value.size()) != 0) {
            how.not_copied.push_back(name);
            how.acl_lost = how.acl_lost || name == acl;
        }
    }
    // Inherited from its directory; ENODATA where there is none. The mode stays as it is.
    if (!has_acl || how.acl_lost) {
        sys::call.remove_attribute(to, acl);
    }
    if (is_directory_ && !has_default) {
        sys::call.remove_attribute(to, default_acl);
    }
}

sys::error file_metadata::apply(sys::handle to, const sys::metadata& now, std::vector<std::string>& not_copied) const {
    constexpr std::uint32_t with_rights_of_owner = 06000;
    applied how{.not_copied = not_copied, .acl_lost = acl_lost_};
    not_copied.insert(not_copied.end(), unreadable_.begin(), unreadable_.end());
    const std::size_t before = not_copied.size();
    apply_owner(to, now, how);
    const bool same_owners = not_copied.size() == before;
    apply_attributes(to, how);
    std::uint32_t wanted = permissions_;
    if (!exact_ && how.acl_lost) {
        wanted &= ~(for_group | for_others) | rights_without_acl();
    }
    if (!exact_ && !how.same_group) {  // who was in the group is one of the others now, and the other way round
        const std::uint32_t both = wanted >> 3U & wanted & all_rights;
        wanted = (wanted & ~(for_group | for_others)) | both << 3U | both;
    }
    if (!exact_ && !same_owners) {
        wanted &= ~with_rights_of_owner;
    }
    return how.mode_may_differ || now.permissions != wanted ? sys::call.set_permissions(to, wanted) : 0;
}

// What nobody could read: the bits of the group say what any of its entries may at most (acl(5)), not what the group
// may.
std::uint32_t file_metadata::rights_without_acl() const {
    for (const auto& [name, value] : attributes_) {
        if (name == acl) {
            return without_acl(value);
        }
    }
    return (permissions_ & for_others) | ((permissions_ & for_others) << 3U);
}

void file_metadata::take_back(sys::handle from) const noexcept {
    for (const auto& each : attributes_) {
        sys::call.remove_attribute(from, each.first.c_str());
    }
}

sys::error presentation::give(sys::handle to, const sys::metadata& now, std::optional<file_metadata>&& chosen,
                              std::optional<std::filesystem::perms> mode, std::vector<std::string>& not_copied) {
    given_ = std::move(chosen);
    if (given_) {
        before_ = now;
        return given_->apply(to, now, not_copied);
    }
    const auto exactly = mode ? static_cast<std::uint32_t>(*mode) : now.permissions;
    if (exactly == now.permissions) {
        return 0;
    }
    before_ = now;
    return sys::call.set_permissions(to, exactly);
}

void presentation::take_back(sys::handle from) noexcept {
    if (!before_) {
        return;
    }
    if (given_) {
        given_->take_back(from);
    }
    // First of all: what the old group might do, ours might do otherwise.
    sys::call.set_permissions(from, before_->permissions & 0700);
    sys::metadata now;
    if (sys::call.stat(from, now) == 0 && (now.owner != before_->owner || now.group != before_->group)) {
        sys::call.set_owner(from, before_->owner, before_->group);
    }
    sys::call.set_permissions(from, before_->permissions);
    before_.reset();
}

}  // namespace tempfile
