#include "location.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <string_view>

#include "create.hpp"
#include "registry.hpp"
#include "tempfile/location.hpp"
#include "tempfile/name.hpp"

namespace tempfile {

// What this file may see of a scoped_tempdir.
struct location_access {
    static const std::string& dir(const scoped_tempdir& scope) noexcept { return scope.dir_; }
};

namespace {

// Never destroyed, so that objects with static storage duration can use it to the end.
struct process_wide {
    std::mutex mutex;
    std::optional<std::string> override_dir;  // tempdir
    std::string searched;                     // the kept answer of the search; empty when not searched yet
};

process_wide& shared() {
    static process_wide* const state = [] {
        static auto* const made = new process_wide;
        handle_forks_of_registry();  // the probe of the search may enter a name while this lock is held
        sys::at_fork([] { made->mutex.lock(); }, [] { made->mutex.unlock(); });
        return made;
    }();
    return *state;
}

thread_local const scoped_tempdir* innermost = nullptr;

problem working_directory(std::string& dir) {
    for (std::size_t room = 256;; room *= 4) {
        dir.resize(room);
        const sys::error e = sys::call.current_directory(dir.data(), dir.size());
        if (e == 0) {
            dir.resize(std::char_traits<char>::length(dir.c_str()));
            return no_problem();
        }
        if (e != ERANGE || room > (1U << 20U)) {
            dir.clear();
            return system_problem("cannot tell the working directory, which a relative path needs", "", e);
        }
    }
}

// Without doubled and trailing slashes and "." components. ".." stays: behind a symbolic link it does not mean the name
// before.
std::string tidy(const std::string& path) {
    const bool is_tidy = path.find("//") == path.npos && path.find("/.") == path.npos && !path.ends_with('/');
    if (is_tidy) {
        return path;
    }
    std::string result;
    for (std::size_t begin = 0; begin < path.size();) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const std::string_view component = std::string_view(path).substr(begin, end - begin);
        if (!component.empty() && component != ".") {
            result += '/';
            result += component;
        }
        begin = end + 1;
    }
    return result.empty() ? "/" : result;
}

struct origin {
    const char* name;
    const char* variable;  // null for a fixed directory
    const char* dir;       // null for the working directory
};

constexpr std::array<origin, 7> origins = {{
    {"$TMPDIR", "TMPDIR", nullptr},
    {"$TEMP", "TEMP", nullptr},
    {"$TMP", "TMP", nullptr},
    {"default", nullptr, "/tmp"},
    {"default", nullptr, "/var/tmp"},
    {"default", nullptr, "/usr/tmp"},
    {"working directory", nullptr, nullptr},
}};

// The candidate's absolute path; empty when there is none, as with a variable that is not set.
problem candidate_dir(const origin& from, std::string& dir) {
    dir.clear();
    if (from.variable != nullptr) {
        const char* value = sys::call.environment(from.variable);
        return value == nullptr || *value == '\0' ? no_problem() : make_absolute(value, dir);
    }
    if (from.dir != nullptr) {
        dir = from.dir;
        return no_problem();
    }
    return working_directory(dir);
}

// All candidates, or those up to the first usable one.
std::vector<candidate> try_candidates(bool all) {
    std::vector<candidate> tried;
    bool chosen = false;
    for (const origin& from : origins) {
        std::string dir;
        candidate c;
        c.origin = from.name;
        c.error = candidate_dir(from, dir).code();
        if (!c.error) {
            if (dir.empty()) {
                continue;
            }
            c.error = try_directory(dir);
        }
        c.dir = dir;
        c.chosen = !chosen && !c.error;
        chosen = chosen || c.chosen;
        tried.push_back(std::move(c));
        if (chosen && !all) {
            break;
        }
    }
    return tried;
}

problem search(std::string& dir) {
    const auto tried = try_candidates(false);
    const candidate& last = tried.back();
    if (last.chosen) {
        dir = last.dir.string();
        return no_problem();
    }
    std::string what = "no usable directory for temporary files; tried";
    for (const candidate& c : tried) {
        what += (&c == &tried.front() ? " " : ", ") + c.origin + " " + in_quotes(c.dir.string()) + " (" +
                c.error.message() + ")";
    }
    const bool no_descriptor =
        last.error == std::errc::too_many_files_open || last.error == std::errc::too_many_files_open_in_system;
    what += no_descriptor ? advice(last.error.value()) : "; set TMPDIR to a directory you may write to";
    return system_problem(what, last.dir.empty() ? "." : last.dir.string(), last.error);
}

problem locate_default(location& found) {
    if (innermost != nullptr) {
        found.dir = location_access::dir(*innermost);
        return no_problem();
    }
    process_wide& state = shared();
    const std::lock_guard lock(state.mutex);
    if (state.override_dir) {
        found.dir = *state.override_dir;
        return no_problem();
    }
    if (state.searched.empty()) {
        if (problem p = search(state.searched)) {
            return p;
        }
    }
    found = {.dir = state.searched, .searched = true};
    return no_problem();
}

// Asks anew when the directory of an earlier search has vanished. Those who are about to make something there notice by
// themselves.
problem locate_existing(location& found) {
    if (problem p = locate_default(found)) {
        return p;
    }
    sys::metadata there;
    const auto vanished = [](sys::error e) { return e == ENOENT || e == ENOTDIR; };
    if (found.searched && vanished(sys::call.stat_at(sys::working_directory, found.dir.c_str(), there))) {
        forget(found.dir);
        return locate_default(found);
    }
    return no_problem();
}

problem check_override(const std::filesystem::path& dir, std::string& absolute) {
    return dir.empty() ? bad_argument("the directory for temporary files is an empty path; name one")
                       : make_absolute(dir.native(), absolute);
}

candidate overriding(const char* origin, const std::string& dir) {
    candidate c;
    c.dir = dir;
    c.origin = origin;
    c.error = try_directory(dir);
    return c;
}

}  // namespace

// Makes a file there and writes into it: hugetlbfs lets files be made and fails every write, and so does a full disk.
std::error_code try_directory(const std::string& dir) {
    file probe;
    if (const problem p = create_unnamed({.dir = dir, .prefix = gettempprefix(), .suffix = ""}, false, probe)) {
        return p.code();
    }
    std::error_code ec;
    probe.write("blat", ec);
    return ec;
}

bool is_exposed(const std::string& dir) noexcept {
    constexpr std::uint32_t sticky = 01000;
    constexpr std::uint32_t written_by_others = 0022;
    constexpr std::uint64_t root = 0;
    sys::metadata there;
    sys::handle h = sys::no_handle;
    if (sys::call.open_path(sys::working_directory, (dir + "/.").c_str(), h) != 0) {  // also behind a link
        return false;
    }
    const file held(h);
    if (sys::call.stat(h, there) != 0) {
        return false;
    }
    const bool theirs = there.owner != root && there.owner != sys::call.effective_user();
    return theirs || ((there.permissions & written_by_others) != 0 && (there.permissions & sticky) == 0);
}

// Absolute from birth: whatever chdir(2) does later, we delete what we made.
problem make_absolute(const std::string& given, std::string& absolute) {
    if (given.find('\0') != given.npos) {
        return bad_argument("directory " + in_quotes(given) + " contains a NUL byte, which no path can");
    }
    if (given.starts_with('/')) {
        absolute = tidy(given);
        return no_problem();
    }
    if (problem p = working_directory(absolute)) {
        p->path = given;
        return p;
    }
    if (!absolute.ends_with('/')) {
        absolute += '/';
    }
    absolute = tidy(absolute + given);
    return no_problem();
}

problem locate(const std::filesystem::path& option, location& found) {
    found.searched = false;
    return option.empty() ? locate_default(found) : make_absolute(option.native(), found.dir);
}

void forget(const std::string& dir) {
    process_wide& state = shared();
    const std::lock_guard lock(state.mutex);
    if (state.searched == dir) {
        state.searched.clear();
    }
}

std::filesystem::path gettempdir() {
    location found;
    succeed(locate_existing(found));
    return found.dir;
}

std::filesystem::path gettempdir(std::error_code& ec) {
    location found;
    ec = locate_existing(found).code();
    return ec ? std::filesystem::path() : std::filesystem::path(found.dir);
}

explanation explain() {
    explanation all;
    all.environment_ignored = sys::call.set_user_id();
    if (innermost != nullptr) {
        all.candidates.push_back(overriding("scoped_tempdir", location_access::dir(*innermost)));
    }
    if (const auto set = tempdir.value()) {
        all.candidates.push_back(overriding("tempdir", set->string()));
    }
    const bool overridden = !all.candidates.empty();
    for (candidate& c : try_candidates(true)) {
        c.chosen = c.chosen && !overridden;
        all.candidates.push_back(std::move(c));
    }
    if (overridden) {
        all.candidates.front().chosen = true;
    }
    for (candidate& c : all.candidates) {
        c.exposed = !c.error && is_exposed(c.dir.native());
        if (c.chosen) {
            all.dir = c.dir;
        }
    }
    return all;
}

void tempdir_variable::operator=(std::optional<std::filesystem::path> dir) const {
    std::optional<std::string> absolute;
    if (dir) {
        succeed(check_override(*dir, absolute.emplace()));
    }
    process_wide& state = shared();
    const std::lock_guard lock(state.mutex);
    state.override_dir = std::move(absolute);
    state.searched.clear();
}

std::optional<std::filesystem::path> tempdir_variable::value() const {
    process_wide& state = shared();
    const std::lock_guard lock(state.mutex);
    return state.override_dir;
}

scoped_tempdir::scoped_tempdir(const std::filesystem::path& dir) : outer_(innermost) {
    succeed(check_override(dir, dir_));
    innermost = this;
}

// Most often the innermost one; where they are destroyed in another order, the others stay in force.
scoped_tempdir::~scoped_tempdir() {
    const scoped_tempdir** link = &innermost;
    while (*link != nullptr && *link != this) {
        link = &const_cast<scoped_tempdir*>(*link)->outer_;
    }
    if (*link == this) {
        *link = outer_;
    }
}

}  // namespace tempfile
