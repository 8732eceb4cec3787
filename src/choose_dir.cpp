#include "tempfile/choose_dir.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>
#include <utility>

#include "location.hpp"
#include "mount.hpp"
#include "tempfile/file.hpp"

namespace tempfile {
namespace {

// --- In words ---

// Rounded down: what is free must not look like enough when it is not.
std::string size_text(std::uint64_t bytes) {
    if (bytes == 1) {
        return "1 byte";
    }
    constexpr std::array units = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    std::size_t unit = 0;
    unsigned bits = 0;
    for (; bytes >> bits >= 1024; bits += 10) {
        ++unit;
    }
    const std::uint64_t rest = bytes & ((std::uint64_t{1} << bits) - 1);
    const std::uint64_t tenths = (bytes >> bits) * 10 + (rest * 10 >> bits);
    const std::string fraction = tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10);
    return std::to_string(tenths / 10) + fraction + " " + units.at(unit);
}

std::string files_text(std::uint64_t n) {
    return std::to_string(n) + (n == 1 ? " file" : " files");
}

void append(std::string& list, std::string_view separator, std::string_view item) {
    list += list.empty() ? "" : separator;
    list += item;
}

std::string text_of(const need& what) {
    std::string text;
    const auto also = [&](bool wanted, const std::string& words) {
        if (wanted) {
            append(text, ", ", words);
        }
    };
    also(what.bytes != 0, size_text(what.bytes) + " free");
    also(what.inodes != 0, "room for " + files_text(what.inodes));
    also(what.large, "not in memory");
    also(what.memory, "in memory");
    also(what.exec, "not noexec");
    also(what.secret, "in memory that is never swapped out");
    also(!what.same_device_as.empty(), "on the device of " + in_quotes(what.same_device_as.native()));
    return text;
}

std::string room_text(const dir_candidate& c) {
    std::string text = c.free_bytes ? size_text(*c.free_bytes) : "";
    if (c.free_inodes) {
        append(text, " and ", files_text(*c.free_inodes));
    }
    return text;
}

std::string text_of(misfit lack, const dir_candidate& c) {
    switch (lack) {
        case misfit::unusable:
            return c.error.message();
        case misfit::no_room:
            return "only " + size_text(c.free_bytes.value_or(0)) + " free";
        case misfit::no_inodes:
            return "only room for " + files_text(c.free_inodes.value_or(0));
        case misfit::over_quota:
            return "the quota leaves only " + room_text(c);
        case misfit::in_memory:
            return "in memory";
        case misfit::not_memory:
            return "not in memory";
        case misfit::swappable:
            return "may be swapped out";
        case misfit::noexec:
            return "mounted with noexec";
        case misfit::other_device:
            return "on another device";
        case misfit::exposed:
            break;
    }
    return "others can rename and remove what is in it";
}

std::error_code code_for(misfit lack, const dir_candidate& c) {
    switch (lack) {
        case misfit::unusable:
            return c.error;
        case misfit::no_room:
        case misfit::no_inodes:
            return code_of(ENOSPC);
        case misfit::over_quota:
            return code_of(EDQUOT);
        case misfit::noexec:
        case misfit::exposed:
            return code_of(EACCES);
        case misfit::other_device:
            return code_of(EXDEV);
        case misfit::in_memory:
        case misfit::not_memory:
        case misfit::swappable:
            break;
    }
    return code_of(EOPNOTSUPP);
}

// --- The need ---

problem check(const need& what) {
    return what.large && (what.memory || what.secret)
               ? bad_argument("what is large cannot be kept in memory; ask for one of the two")
               : no_problem();
}

// What can be seen of a directory by looking.
struct view {
    sys::metadata meta;
    sys::space space;
    sys::mount_entry entry;
    std::uint64_t quota_bytes = sys::no_limit;
    std::uint64_t quota_inodes = sys::no_limit;
};

// What the system does not tell stays as if it knew of no limit.
sys::error look_at(const std::string& dir, view& seen) noexcept {
    sys::handle h = sys::no_handle;
    if (const sys::error e = sys::call.open_path(sys::working_directory, dir.c_str(), h)) {
        return e;
    }
    const file held(h);
    if (const sys::error e = sys::call.stat(h, seen.meta)) {
        return e;
    }
    sys::call.free_space(h, seen.space);
    sys::call.mounted(seen.meta.mount, seen.entry);
    for (const bool of_group : {false, true}) {
        sys::allowance left;
        if (sys::call.quota(h, of_group, left) == 0) {
            seen.quota_bytes = std::min(seen.quota_bytes, left.bytes);
            seen.quota_inodes = std::min(seen.quota_inodes, left.inodes);
        }
    }
    return 0;
}

std::string inside(const std::string& dir) {
    return dir + "/.";  // also behind a link
}

std::string parent_of(const std::string& dir) {
    return dir.substr(0, std::max<std::size_t>(dir.rfind('/'), 1));
}

sys::error mount_at(const std::string& dir, mount& on) {
    view seen;
    const sys::error e = look_at(inside(dir), seen);
    on = mount_of(seen.meta);
    return e;
}

// The directory that is at `path`, or in which something else is or could be there.
problem directory_at(const std::filesystem::path& path, std::string& dir, mount& on) {
    if (problem p = make_absolute(path.native(), dir)) {
        return p;
    }
    sys::error e = mount_at(dir, on);
    if (e == ENOENT || e == ENOTDIR) {
        dir = parent_of(dir);
        e = mount_at(dir, on);
    }
    return e == 0 ? no_problem() : system_problem("cannot tell on which device this is", path.native(), e);
}

// --- The candidates ---

dir_candidate tried(const char* origin, const std::string& dir) {
    dir_candidate c;
    c.dir = dir;
    c.origin = origin;
    c.error = try_directory(dir);
    c.exposed = !c.error && is_exposed(dir);
    return c;
}

using candidates = std::vector<dir_candidate>;

void add_memory(const need& what, candidates& all, candidates::iterator at) {
    candidates found = {tried("memory", "/dev/shm")};
    const char* const runtime = sys::call.environment("XDG_RUNTIME_DIR");
    if (runtime != nullptr && *runtime == '/') {  // a relative one is to be ignored (XDG Base Directory Specification)
        found.insert(what.secret ? found.begin() : found.end(), tried("$XDG_RUNTIME_DIR", runtime));
    }
    all.insert(at, found.begin(), found.end());
}

// `dir` and what it is in, as far as that is on the same mount.
void add_beside(std::string dir, const mount& on, candidates& all, candidates::iterator at) {
    candidates found;
    for (mount here = on; here == on;) {
        found.push_back(tried("same device", dir));
        const std::string outer = parent_of(dir);
        if (outer == dir || mount_at(outer, here) != 0) {
            break;
        }
        dir = outer;
    }
    all.insert(at, found.begin(), found.end());
}

// The first of each path.
void drop_repeated(candidates& all) {
    candidates kept;
    for (dir_candidate& c : all) {
        const auto is_same = [&](const dir_candidate& k) { return k.dir == c.dir; };
        if (c.dir.empty() || std::none_of(kept.begin(), kept.end(), is_same)) {
            kept.push_back(std::move(c));
        }
    }
    all = std::move(kept);
}

candidates list(const need& what, const explanation& usual, const std::string& beside, const mount& on) {
    candidates all;
    for (const candidate& c : usual.candidates) {
        all.emplace_back().candidate::operator=(c);
        all.back().chosen = false;
    }
    const auto from = [&](std::string_view origin) {
        return std::find_if(all.begin(), all.end(), [&](const dir_candidate& c) { return c.origin == origin; });
    };
    if (what.large) {
        const auto tmp = from("default");
        std::iter_swap(tmp, tmp + 1);
    }
    if (what.memory || what.secret) {
        add_memory(what, all, from("default"));
    }
    if (!beside.empty()) {
        add_beside(beside, on, all, from("working directory"));
    }
    drop_repeated(all);
    return all;
}

// --- How they fit ---

medium kind_of(sys::medium m) noexcept {
    switch (m) {
        case sys::medium::memory:
            return medium::memory;
        case sys::medium::storage:
            return medium::storage;
        case sys::medium::network:
            return medium::network;
        case sys::medium::unknown:
            break;
    }
    return medium::unknown;
}

std::optional<std::uint64_t> limit(std::uint64_t n) noexcept {
    return n == sys::no_limit ? std::nullopt : std::optional(n);
}

bool may_be_swapped(const view& seen) noexcept {
    bool yes = true;
    return seen.space.swappable && !seen.entry.never_swapped && (sys::call.swaps(yes) != 0 || yes);
}

void judge_room(const need& what, const view& seen, std::uint64_t bytes, dir_candidate& c) {
    const bool no_room = bytes < what.bytes;
    const bool no_inodes = seen.space.inodes < what.inodes;
    c.free_bytes = limit(std::min(bytes, seen.quota_bytes));
    c.free_inodes = limit(std::min(seen.space.inodes, seen.quota_inodes));
    if (no_room) {
        c.misfits.push_back(misfit::no_room);
    }
    if (no_inodes) {
        c.misfits.push_back(misfit::no_inodes);
    }
    if (!no_room && !no_inodes && (seen.quota_bytes < what.bytes || seen.quota_inodes < what.inodes)) {
        c.misfits.push_back(misfit::over_quota);
    }
}

void judge(const need& what, const mount& on, dir_candidate& c) {
    const auto lacks = [&](bool it_does, misfit lack) {
        if (it_does) {
            c.misfits.push_back(lack);
        }
    };
    view seen;
    const sys::error e = c.dir.empty() ? ENOENT : look_at(inside(c.dir.native()), seen);
    if (!c.error && e != 0) {
        c.error = code_of(e);
    }
    lacks(static_cast<bool>(c.error), misfit::unusable);
    if (e != 0) {
        return;
    }
    c.file_system = seen.entry.type.data();
    c.kind = kind_of(seen.space.kept_in);
    c.noexec = !seen.space.executable;
    const bool in_memory = c.kind == medium::memory;
    std::uint64_t available = sys::no_limit;
    if (in_memory) {
        sys::call.available_memory(available);
    }
    judge_room(what, seen, std::min(seen.space.bytes, available), c);
    lacks(what.large && in_memory, misfit::in_memory);
    lacks((what.memory || what.secret) && !in_memory, misfit::not_memory);
    lacks(what.secret && in_memory && may_be_swapped(seen), misfit::swappable);
    lacks(what.exec && c.noexec, misfit::noexec);
    lacks(!what.same_device_as.empty() && mount_of(seen.meta) != on, misfit::other_device);
    lacks(what.secret && c.exposed, misfit::exposed);
}

// The end of `all` when none fits.
candidates::iterator first_that_fits(candidates& all) {
    const auto fits = [](const dir_candidate& c) { return c.misfits.empty(); };
    const auto safe = std::find_if(all.begin(), all.end(), [&](const auto& c) { return fits(c) && !c.exposed; });
    return safe != all.end() ? safe : std::find_if(all.begin(), all.end(), fits);
}

void say_why_not(candidates& all, const dir_candidate* chosen) {
    for (dir_candidate& c : all) {
        for (const misfit lack : c.misfits) {
            append(c.why_not, "; ", text_of(lack, c));
        }
        if (c.misfits.empty() && &c != chosen) {
            c.why_not =
                c.exposed ? text_of(misfit::exposed, c) : "it would do; " + chosen->dir.string() + " comes first";
        }
    }
}

// Nothing can be done about where a directory is: that counts more than what it lacks there.
std::size_t distance(const dir_candidate& c) {
    std::size_t sum = 0;
    for (const misfit lack : c.misfits) {
        const bool elsewhere = lack == misfit::in_memory || lack == misfit::not_memory || lack == misfit::other_device;
        sum += elsewhere ? 2 : 1;
    }
    return sum;
}

// Usable rather than not, then what lacks least, then what has most room.
const dir_candidate& nearest(const candidates& all) {
    const auto is_farther = [](const dir_candidate& a, const dir_candidate& b) {
        const auto rank = [](const dir_candidate& c) { return std::pair(static_cast<bool>(c.error), distance(c)); };
        const auto room = [](const dir_candidate& c) { return c.error ? 0 : c.free_bytes.value_or(sys::no_limit); };
        return rank(a) != rank(b) ? rank(b) < rank(a) : room(a) < room(b);
    };
    return *std::max_element(all.begin(), all.end(), is_farther);
}

std::string none_has(const need& what) {
    const std::string needed = text_of(what);
    return "no directory for temporary files " +
           (needed.empty() ? "can be used" : "has what is needed (" + needed + ")");
}

// The exception adds the code's message, which is why something is unusable, and the path.
problem nothing_fits(const need& what, const candidates& all) {
    const dir_candidate& best = nearest(all);
    std::string lacking;
    for (const misfit lack : best.misfits) {
        if (lack != misfit::unusable) {
            append(lacking, "; ", text_of(lack, best));
        }
    }
    return system_problem(none_has(what) + ", not even the nearest" + (lacking.empty() ? "" : " (" + lacking + ")"),
                          best.dir.native(), code_for(best.misfits.front(), best));
}

// The same where nothing is added.
std::string message_when_nothing_fits(const need& what, const candidates& all) {
    const dir_candidate& best = nearest(all);
    return none_has(what) + "; the nearest is " + in_quotes(best.dir.native()) + " (" + best.why_not + ")";
}

// `unfit` is the problem when nothing fits; what it returns are those that come before.
problem choose(const need& what, choice& made, problem& unfit) {
    std::string beside;
    mount on;
    if (problem p = check(what)) {
        return p;
    }
    if (!what.same_device_as.empty()) {
        if (problem p = directory_at(what.same_device_as, beside, on)) {
            return p;
        }
    }
    const explanation usual = tempfile::explain();
    made.environment_ignored = usual.environment_ignored;
    made.candidates = list(what, usual, beside, on);
    for (dir_candidate& c : made.candidates) {
        judge(what, on, c);
    }
    const auto chosen = first_that_fits(made.candidates);
    if (chosen == made.candidates.end()) {
        say_why_not(made.candidates, nullptr);
        unfit = nothing_fits(what, made.candidates);
        return no_problem();
    }
    chosen->chosen = true;
    made.dir = chosen->dir;
    say_why_not(made.candidates, &*chosen);
    return no_problem();
}

problem choose(const need& what, choice& made) {
    problem unfit;
    problem p = choose(what, made, unfit);
    return p ? std::move(p) : std::move(unfit);
}

}  // namespace

std::filesystem::path choose_dir(const need& what) {
    choice made;
    succeed(choose(what, made));
    return made.dir;
}

std::filesystem::path choose_dir(const need& what, std::error_code& ec) {
    choice made;
    ec = choose(what, made).code();
    return made.dir;
}

choice explain(const need& what) {
    choice made;
    problem unfit;
    succeed(choose(what, made, unfit));
    if (unfit) {
        made.error = unfit.code();
        made.message = message_when_nothing_fits(what, made.candidates);
    }
    return made;
}

}  // namespace tempfile
