#include "remove_tree.hpp"

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "mount.hpp"
#include "removal_crew.hpp"
#include "removal_job.hpp"
#include "repair.hpp"
#include "tree_remover.hpp"

namespace tempfile {

removal_error::removal_error(const std::string& what, const std::filesystem::path& path, std::error_code code,
                             removal_report report)
    : filesystem_error(what, path, code), report_(std::make_shared<removal_report>(std::move(report))) {}

removal_error::~removal_error() = default;

removal_report succeed(const problem& p, removal_report&& report) {
    if (p && !p->bad_argument) {
        throw removal_error("tempfile: " + p->what, p->path, p->code, std::move(report));
    }
    succeed(p);
    return std::move(report);
}

namespace {

sys::error is_still_at(sys::handle at, const char* name, sys::handle handle) noexcept {
    sys::metadata held;
    sys::metadata named;
    if (const sys::error e = sys::call.stat(handle, held)) {
        return e;
    }
    if (const sys::error e = sys::call.stat_at(at, name, named)) {
        return e;
    }
    return held.id == named.id ? 0 : ESTALE;
}

}  // namespace

sys::error is_still_there(const std::string& path, sys::handle handle) noexcept {
    return is_still_at(sys::working_directory, path.c_str(), handle);
}

namespace {

// --- What is refused ---

constexpr std::string_view which_to_name = "; name what is to be removed in it, one by one";

problem refuse_name(std::string_view path) {
    if (path.empty()) {
        return bad_argument("the path of what is to be removed is empty");
    }
    if (path.find('\0') != path.npos) {
        return bad_argument("the path of what is to be removed has a NUL in it: " + in_quotes(path));
    }
    const std::size_t end = path.find_last_not_of('/');
    if (end == path.npos) {
        return bad_argument("the root directory is not removed" + std::string(which_to_name));
    }
    const std::string_view trimmed = path.substr(0, end + 1);
    const std::string_view last = trimmed.substr(trimmed.find_last_of('/') + 1);
    if (last == "." || last == "..") {
        return bad_argument(in_quotes(path) + " ends with " + in_quotes(last) +
                            ", which means another directory from another place; say the directory's name");
    }
    return no_problem();
}

// By names, of which some may lead to what is above where ".." does not.
sys::error look_among_names_of_working_directory(const sys::identity& dir, bool& found) {
    std::string path(4096, '\0');  // getcwd(2) gives no longer one
    if (const sys::error e = sys::call.current_directory(path.data(), path.size())) {
        return e;
    }
    path.resize(path.find('\0'));
    sys::metadata meta;
    for (; !found && path.size() > 1 && path.front() == '/'; path.resize(path.find_last_of('/'))) {
        found = sys::call.stat_at(sys::working_directory, path.c_str(), meta) == 0 && meta.id == dir;
    }
    return 0;
}

// Whether the working directory is `dir` or somewhere in it.
sys::error look_for_working_directory(const sys::identity& dir, bool& found) {
    found = false;
    file here;
    sys::metadata below;
    for (const char* next = "."; !found; next = "..") {
        sys::handle h = sys::no_handle;
        sys::metadata meta;
        sys::error e = sys::call.open_path(here.closed() ? sys::working_directory : here.native_handle(), next, h);
        if (e == 0) {
            here = file(h);
            e = sys::call.stat(h, meta);
        }
        if (e == ENOENT) {
            return 0;  // it has been removed
        }
        if (e != 0) {  // it is on a server that is gone, one above it may not be searched, descriptors are short
            const sys::error nameless = look_among_names_of_working_directory(dir, found);
            return nameless == 0 || e == EACCES ? 0 : e;
        }
        if (next[1] == '.' && meta.id == below.id && meta.mount == below.mount) {
            return 0;  // the root directory
        }
        found = meta.id == dir;
        below = meta;
    }
    return 0;
}

// By identity: whatever the path looks like, and wherever it was mounted besides.
sys::error refuse_directory(const sys::metadata& dir, const std::string& path, problem& refusal) {
    sys::metadata root;
    if (const sys::error e = sys::call.stat_at(sys::working_directory, "/", root)) {
        return e;
    }
    if (root.id == dir.id) {
        refusal =
            bad_argument(in_quotes(path) + " is the root directory, which is not removed" + std::string(which_to_name));
        return 0;
    }
    bool found = false;
    const sys::error e = look_for_working_directory(dir.id, found);
    if (found) {
        refusal = bad_argument("the working directory is " + in_quotes(path) +
                               " or in it, and would be gone; go elsewhere first");
    }
    return e;
}

// What goes before the names of what is in it.
std::string without_slashes(const std::string& path) {
    const std::size_t end = path.find_last_not_of('/');
    return end == path.npos ? path : path.substr(0, end + 1);
}

// --- One removal ---

bool is_not_empty(sys::error e) noexcept {
    return e == ENOTEMPTY || e == EEXIST;
}

// A path in a directory that is held.
struct place {
    sys::handle at;
    std::string name;
};

// Of a path, "." included; and its last component.
std::pair<std::string, std::string> parent_and_name(const std::string& path) {
    const std::size_t end = path.find_last_not_of('/') + 1;
    const std::size_t begin = path.find_last_of('/', end - 1) + 1;  // 0 when there is none
    return {path.substr(0, begin) + ".", path.substr(begin, end - begin)};
}

// What is busy because it is mounted does not cease to be so by itself.
bool is_mount_point(const place& where) {
    sys::metadata it;
    sys::metadata around;
    return sys::call.stat_at(where.at, where.name.c_str(), it) == 0 &&
           sys::call.stat_at(where.at, parent_and_name(where.name).first.c_str(), around) == 0 &&
           mount_of(it) != mount_of(around);
}

class removal {
public:
    removal(const std::string& path, const remove_options& options, removal_report& report)
        : path_(path), report_(report), start_(sys::call.steady_clock()), job_(options, report) {}

    // Whatever stands at the path.
    problem remove_path();
    // The directory that the handle holds, at that place unless only its contents are asked for.
    void remove_held(const place& where, sys::handle held);
    // The same, if it is a directory that may go.
    problem remove_checked(const place& where, sys::handle held);

    // Completes the report, and says what the matter is, all in all.
    problem end(problem refusal);

private:
    // How often a directory is gone through again at once, or something else is found where one was.
    static constexpr int most_visits = 100;

    problem remove_at(const place& where, bool only_directory);
    sys::error open_directory(const place& where, entered_directory& dir, problem& refusal);
    bool remove_other(const place& where);
    void remove_held_once(const place& where, sys::handle held);
    bool is_there(const place& where, sys::handle held);
    left_directory go_through(sys::handle held);
    bool tries_again();

    void fail(std::string_view operation, sys::error e, bool may_pass = false) {
        job_.fail(operation, e, [this] { return path_; });
        if (may_pass) {
            job_.expect_more();
        }
    }
    void gone(std::uint64_t bytes) {
        job_.count(1, bytes, [this] { return path_; });
    }

    const std::string& path_;  // in messages
    removal_report& report_;
    std::uint64_t start_;
    removal_job job_;
    removal_crew crew_{job_};
    bool stopped_ = false;  // before all was gone
};

left_directory removal::go_through(sys::handle held) {
    const left_directory left =
        tree_remover(job_, crew_, held, without_slashes(path_), job_.options().contents_only).run();
    stopped_ = left.stopped;
    return left;
}

bool removal::tries_again() {
    if (stopped_ || job_.tries_again()) {
        return !stopped_;
    }
    stopped_ = job_.stopped() && job_.expects_more();
    return false;
}

// False when the name leads nowhere, or to something else, which is reported.
bool removal::is_there(const place& where, sys::handle held) {
    const sys::error e = is_still_at(where.at, where.name.c_str(), held);
    if (e != 0 && e != ENOENT) {
        fail(e == ESTALE ? "find again" : "look at", e);
    }
    return e == 0;
}

void removal::remove_held(const place& where, sys::handle held) {
    do {
        remove_held_once(where, held);
    } while (tries_again() && (job_.options().contents_only || is_there(where, held)));
}

void removal::remove_held_once(const place& where, sys::handle held) {
    if (job_.options().contents_only) {
        go_through(held);
        return;
    }
    left_directory left;
    for (int visits = 0;; ++visits) {
        // As if it were empty, since many are; a directory with something in it is left alone by this.
        const sys::error e = sys::call.remove_directory(where.at, where.name.c_str());
        if (e == 0) {
            gone(0);
        }
        if (e == 0 || e == ENOENT || !is_there(where, held)) {
            return;
        }
        if (visits != 0 && (!is_not_empty(e) || visits == most_visits || left.comes_back)) {
            fail("remove", e, is_not_empty(e) || (e == EBUSY && !is_mount_point(where)));
            return;
        }
        left = go_through(held);
        if (left.reported || left.stopped) {
            return;
        }
    }
}

problem removal::remove_checked(const place& where, sys::handle held) {
    problem refusal;
    sys::metadata meta;
    if (const sys::error e = sys::call.stat(held, meta)) {
        fail("look at", e);
    } else if (meta.what != sys::kind::directory) {
        fail("empty", ENOTDIR);
    } else if (const sys::error unknown = refuse_directory(meta, path_, refusal)) {
        fail("tell from the root and the working directory", unknown);
    } else if (!refusal && (job_.options().contents_only || is_there(where, held))) {
        remove_held(where, held);
    }
    return refusal;
}

problem removal::remove_path() {
    if (problem p = refuse_name(path_)) {
        return p;
    }
    const auto [parent, name] = parent_and_name(path_);
    // From here on the parent is held: whatever becomes of the way to it, and of the working directory.
    sys::handle h = sys::no_handle;
    const sys::error e = sys::call.open_path(sys::working_directory, parent.c_str(), h);
    const file held(h);
    if (e == 0) {
        return remove_at({h, name}, path_.ends_with('/') || job_.options().contents_only);
    }
    if (e != ENOENT && e != ENOTDIR) {
        fail("find", e);
    }
    return no_problem();
}

sys::error removal::open_directory(const place& where, entered_directory& dir, problem& refusal) {
    sys::handle h = sys::no_handle;
    std::uint32_t before = 0;
    sys::error e = sys::call.open_directory(where.at, where.name.c_str(), h);
    if (e == EACCES) {
        e = open_inaccessible(where.at, where.name.c_str(), h, before, [&](const sys::metadata& m) {
            return refuse_directory(m, path_, refusal) == 0 && !refusal;
        });
        if (e == 0) {
            dir.mode = before;
        }
    }
    dir.handle = file(h);
    return e;
}

problem removal::remove_at(const place& where, bool only_directory) {
    for (int swaps = 0; swaps < most_visits; ++swaps) {
        entered_directory dir;
        problem refusal;
        const sys::error e = open_directory(where, dir, refusal);
        if (refusal) {
            return refusal;
        }
        if (e == 0) {
            return remove_checked(where, dir.handle.native_handle());
        }
        if ((e == ENOTDIR || e == ELOOP) && !only_directory) {
            if (remove_other(where)) {
                return no_problem();
            }
            continue;  // it was swapped for a directory
        }
        if (e != ENOENT) {
            fail("enter", e);
        }
        return no_problem();
    }
    fail("remove", EBUSY);
    return no_problem();
}

// False when it is a directory now.
bool removal::remove_other(const place& where) {
    do {
        std::uint64_t bytes = 0;
        const sys::error e = job_.remove_file(where.at, where.name.c_str(), bytes);
        if (e == EISDIR) {
            return false;
        }
        if (e == 0) {
            gone(bytes);
        } else if (e != ENOENT) {
            fail("remove", e, e == EBUSY && !is_mount_point(where));
        }
    } while (tries_again());
    return true;
}

problem removal::end(problem refusal) {
    crew_.end();
    job_.report_failures(stopped_);
    report_.took = std::chrono::nanoseconds(sys::call.steady_clock() - start_);
    report_.complete = !refusal && !stopped_ && report_.failed == 0;
    job_.rethrow();
    if (refusal || report_.complete) {
        report_.refusal = refusal ? refusal->what : "";
        return refusal;
    }
    if (stopped_) {
        return system_problem("the removal was stopped before all was gone", path_, ECANCELED);
    }
    const removal_failure& first = report_.failures.front();
    std::string what = "cannot " + std::string(first.operation);
    if (report_.failed > 1) {
        what += " (and " + std::to_string(report_.failed - 1) + " more)";
    }
    return system_problem(what, first.path.native(), first.error);
}

problem remove_path(const std::filesystem::path& path, const remove_options& options, removal_report& report) {
    removal one(path.native(), options, report);
    return one.end(one.remove_path());
}

problem remove_checked(sys::handle held, const std::filesystem::path& path, const remove_options& options,
                       removal_report& report) {
    removal one(path.native(), options, report);
    problem refusal = options.contents_only ? no_problem() : refuse_name(path.native());
    return one.end(refusal ? std::move(refusal) : one.remove_checked({sys::working_directory, path.native()}, held));
}

}  // namespace

problem remove_held_tree(const std::string& path, sys::handle held, const remove_options& options,
                         removal_report& report) {
    removal one(path, options, report);
    one.remove_held({sys::working_directory, path}, held);
    return one.end(no_problem());
}

removal_report remove_tree(const std::filesystem::path& path, const remove_options& options) {
    removal_report report;
    const problem p = remove_path(path, options, report);
    return succeed(p, std::move(report));
}

removal_report remove_tree(const std::filesystem::path& path, const remove_options& options, std::error_code& ec) {
    removal_report report;
    ec = remove_path(path, options, report).code();
    return report;
}

removal_report remove_tree(file::native_handle_type directory, const std::filesystem::path& path,
                           const remove_options& options) {
    removal_report report;
    const problem p = remove_checked(directory, path, options, report);
    return succeed(p, std::move(report));
}

removal_report remove_tree(file::native_handle_type directory, const std::filesystem::path& path,
                           const remove_options& options, std::error_code& ec) {
    removal_report report;
    ec = remove_checked(directory, path, options, report).code();
    return report;
}

}  // namespace tempfile
