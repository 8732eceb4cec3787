#include "sweep.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <functional>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "liveness.hpp"
#include "orphan.hpp"
#include "registry.hpp"
#include "registry_file.hpp"
#include "tempfile/file.hpp"
#include "tempfile/sweep.hpp"

namespace tempfile {
namespace {

// One registry that was opened.
struct registry_reader {
    registry_format::header head;
    file handle;
    bool locked = false;
    liveness owner = liveness::unknown;
    bool rebooted = false;

    [[nodiscard]] bool dead() const noexcept { return locked && owner == liveness::dead; }
};

sys::process_identity this_process() noexcept {
    sys::process_identity self;
    static_cast<void>(sys::call.this_process(self));  // what is missing makes others unknown
    return self;
}

bool is_complete(std::string_view name) noexcept {
    return !name.starts_with("new-");
}

// Reads the header only: what a living process owns is of no interest to a sweep. ENOENT when there is nothing to be
// done about it. One that was never completed goes, unless this is only a look.
sys::error open_registry(sys::handle directory, const char* name, const sys::process_identity& self, bool only_look,
                         registry_reader& out) {
    sys::handle h = sys::no_handle;
    if (const sys::error e = sys::call.open_file(directory, name, h)) {
        return e;
    }
    out.handle = file(h);
    sys::metadata meta;
    if (const sys::error e = sys::call.stat(h, meta)) {
        return e;
    }
    if (meta.what != sys::kind::file || meta.owner != sys::call.effective_user()) {
        return EINVAL;
    }
    const sys::error busy = sys::call.lock(h, false);
    if (busy != 0 && busy != EWOULDBLOCK) {
        return busy;
    }
    out.locked = busy == 0;
    // Another sweep may have removed it while we were on our way.
    if (out.locked && (sys::call.stat(h, meta) != 0 || meta.links == 0)) {
        return ENOENT;
    }
    if (!is_complete(name)) {
        if (out.locked && !only_look) {
            sys::call.remove_file(directory, name);
        }
        return ENOENT;
    }
    if (const sys::error e = read_header(h, out.head)) {
        return e;
    }
    out.rebooted = out.head.owner.boot != self.boot;
    out.owner = out.locked ? liveness_of(out.head.owner, self) : liveness::alive;
    return 0;
}

// Calls visit(path, directory, name) for every file in one directory of registries, until it answers false.
template <class Visit>
sys::error visit_registries_in(const std::string& path, Visit& visit) {
    sys::handle h = sys::no_handle;
    if (const sys::error e = open_registry_directory(path, false, h)) {
        return e;
    }
    const file directory(h);
    alignas(std::uint64_t) std::array<char, sys::list_bytes> buffer;
    std::size_t used = 0;
    sys::error e = 0;
    while ((e = sys::call.list(h, buffer.data(), used)) == 0 && used != 0) {
        sys::entry entry{};
        for (std::size_t position = 0; sys::next_entry(buffer.data(), used, position, entry);) {
            const std::string_view name = entry.name;
            if (name != "." && name != ".." && !visit(path, h, entry.name)) {
                return 0;
            }
        }
    }
    return e;
}

// In all directories of registries; refuse(path, error) for one that is there and cannot be used.
template <class Visit, class Refuse>
void for_each_registry(Visit visit, Refuse refuse) {
    for (const std::string& path : registry_directories()) {
        const sys::error e = visit_registries_in(path, visit);
        if (e != 0 && e != ENOENT) {
            refuse(path, e);
        }
    }
}

owner_state state_of(liveness owner) noexcept {
    switch (owner) {
        case liveness::dead:
            return owner_state::dead;
        case liveness::alive:
            return owner_state::alive;
        case liveness::unknown:
            break;
    }
    return owner_state::out_of_sight;
}

registered describe(const registry_reader& reader, const registry_record& record) {
    registered out;
    out.path = record.path;
    out.directory = record.what == registry_format::kind::directory;
    out.created = std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::nanoseconds(record.created)));
    out.pid = reader.head.owner.pid;
    out.program = reader.head.owner.program.data();
    out.owner = state_of(reader.owner);
    return out;
}

skip_reason why_skipped(const registry_reader& reader, sys::error e) noexcept {
    switch (e) {
        case 0:
            return reader.owner == liveness::unknown ? skip_reason::out_of_sight : skip_reason::alive;
        case EINVAL:
        case EISDIR:
        case ELOOP:
        case ENXIO:
            return skip_reason::damaged;
        case ENOTSUP:
            return skip_reason::newer;
        default:
            return skip_reason::unreadable;
    }
}

class sweeper {
public:
    static constexpr std::chrono::milliseconds longest = std::chrono::hours(24);

    sweeper(const sweeper&) = delete;
    sweeper& operator=(const sweeper&) = delete;
    // `again` says whether what could not be removed a short while ago is tried again.
    sweeper(const sweep_options& options, bool again) noexcept
        : progress_(options.progress),
          dry_run_(options.dry_run),
          again_(again),
          self_(this_process()),
          end_(sys::call.steady_clock() +
               static_cast<std::uint64_t>(
                   std::chrono::nanoseconds(std::clamp<std::chrono::milliseconds>(options.at_most, {}, longest))
                       .count())) {}

    // False when the time is up, or somebody said so.
    bool visit(const std::string& path, sys::handle directory, const char* name) {
        if (is_late()) {
            return false;
        }
        registry_reader reader;
        sys::error e = open_registry(directory, name, self_, dry_run_, reader);
        if (e == 0 && reader.dead()) {
            bool of_use = !is_to_be_buried(reader);
            e = of_use ? 0 : examine(reader);
            if (e == 0 && !of_use) {
                e = bury(reader, of_use);
            }
            if (e == 0 && !of_use && !dry_run_) {
                sys::call.remove_file(directory, name);
            }
        }
        if ((e != 0 && e != ENOENT) || (e == 0 && !reader.dead())) {
            skip(std::filesystem::path(path) / name, reader, e);
        }
        return report_.complete;
    }

    void refuse(const std::string& path, sys::error e) {
        const bool foreign = e == EPERM || e == ENOTDIR || e == ELOOP;
        report_.skipped.push_back({.path = path,
                                   .reason = foreign ? skip_reason::refused : skip_reason::unreadable,
                                   .pid = 0,
                                   .program = {},
                                   .error = code_of(e)});
    }

    sweep_report report() && {
        if (thrown_ != nullptr) {
            std::rethrow_exception(thrown_);
        }
        return std::move(report_);
    }

private:
    bool is_late() noexcept {
        report_.complete = report_.complete && sys::call.steady_clock() < end_;
        return !report_.complete;
    }

    // EINVAL when something in it makes no sense: then nothing in it is believed.
    sys::error examine(const registry_reader& reader) {
        bool damaged = false;
        const sys::error e = visit_records(reader.handle.native_handle(), go_on_, [&](const registry_record* record) {
            damaged = record == nullptr;
            return !damaged;
        });
        return damaged ? EINVAL : e;
    }

    // A process that begins does not try for the thousandth time what its predecessors could not do.
    [[nodiscard]] bool is_to_be_buried(const registry_reader& reader) const noexcept {
        constexpr std::uint64_t hour = 3'600'000'000'000;
        return again_ || sys::call.wall_clock() - reader.head.failed > hour;
    }

    void skip(const std::filesystem::path& path, const registry_reader& reader, sys::error e) {
        const auto& owner = reader.head.owner;
        const skip_reason reason = why_skipped(reader, e);
        report_.skipped.push_back({.path = path,
                                   .reason = reason,
                                   .pid = e == 0 ? owner.pid : 0,
                                   .program = e == 0 ? owner.program.data() : "",
                                   .error = reason == skip_reason::unreadable ? code_of(e) : std::error_code()});
    }

    // Removes everything in the registry of a dead process, which may be `of_use` afterwards, too.
    sys::error bury(const registry_reader& reader, bool& of_use) {
        const sys::handle h = reader.handle.native_handle();
        bool failed = false;
        const sys::error e = visit_records(h, go_on_, [&](const registry_record* record) {
            if (record == nullptr || is_late() || !goes_on_at(*record)) {
                failed = failed || record == nullptr;
                return false;
            }
            const problem trouble = remove(*record, reader.rebooted);
            const std::error_code why = trouble.code();
            // Where something else stands, ours is gone and can never be removed: that is said once, to who listens.
            const bool replaced = why == code_of(ESTALE) && again_ && is_replaced(*record);
            const bool is_done = !why || why == std::errc::no_such_file_or_directory || replaced;
            failed = failed || !is_done;
            if (is_done && !dry_run_) {
                forget_record(h, record->number);
            }
            tell(describe(reader, *record), trouble);
            return true;
        });
        if (failed && !dry_run_ && report_.complete) {
            note_failure(h, sys::call.wall_clock());
        }
        of_use = failed || !report_.complete;
        return e;
    }

    // Of what was gone already, or never made before its maker was killed, there is nothing to tell.
    void tell(registered item, const problem& trouble) {
        const std::error_code why = trouble.code();
        if (why == std::errc::operation_canceled) {
            report_.complete = false;
        }
        if (!why) {
            report_.removed.push_back(std::move(item));
        } else if (why != std::errc::no_such_file_or_directory) {
            item.error = why;
            const bool is_in_it = why != std::errc::operation_canceled && trouble->path != item.path.native();
            item.in_the_way = is_in_it ? trouble->path : "";
            report_.left.push_back(std::move(item));
        }
    }

    // What it throws reaches the caller in the end: who is at a tree has modes to give back.
    bool goes_on(const removal_progress& now) {
        try {
            report_.complete = report_.complete && (!progress_ || progress_(now));
        } catch (...) {
            thrown_ = std::current_exception();
            report_.complete = false;
        }
        return report_.complete;
    }
    bool goes_on_at(const registry_record& record) {
        return goes_on({.entries = entries_, .bytes = 0, .path = record.path});
    }

    [[nodiscard]] problem remove(const registry_record& record, bool rebooted) {
        if (dry_run_) {
            const sys::error e = examine_orphan(record, rebooted);
            return e == 0 ? no_problem() : system_problem("cannot be removed", record.path, e);
        }
        removal_report its;
        const auto go_on = [this](const removal_progress& now) {
            return goes_on({.entries = entries_ + now.entries, .bytes = 0, .path = now.path});
        };
        problem p = remove_orphan(record, rebooted, end_, go_on, its);
        entries_ += its.entries;
        return p;
    }

    const removal_progress_callback& progress_;
    std::uint64_t entries_ = 0;  // removed so far
    std::exception_ptr thrown_;
    bool dry_run_;
    bool again_;
    sys::process_identity self_;
    std::uint64_t end_;
    std::function<bool()> go_on_ = [this] { return !is_late(); };
    sweep_report report_;
};

sweep_report sweep_all(const sweep_options& options, bool again) {
    sweeper work(options, again);
    const auto visit = [&](const std::string& path, sys::handle directory, const char* name) {
        return work.visit(path, directory, name);
    };
    for_each_registry(visit, [&](const std::string& path, sys::error e) { work.refuse(path, e); });
    return std::move(work).report();
}

}  // namespace

sweep_report sweep(const sweep_options& options) {
    return sweep_all(options, true);
}

std::vector<registered> leftovers() {
    const sys::process_identity self = this_process();
    std::vector<registered> all;
    const auto list = [&](const std::string&, sys::handle directory, const char* name) {
        registry_reader reader;
        if (open_registry(directory, name, self, true, reader) == 0) {
            const auto go_on = [] { return true; };
            visit_records(reader.handle.native_handle(), go_on, [&](const registry_record* record) {
                if (record != nullptr) {
                    all.push_back(describe(reader, *record));
                }
                return true;
            });
        }
        return true;
    };
    for_each_registry(list, [](const std::string&, sys::error) {});  // sweep() tells of these
    return all;
}

crash_safety explain_crash_safety() {
    prepare_registry();
    const registry_status here = registry_here();
    crash_safety is{.on = here.trouble == 0, .registry = here.path, .error = code_of(here.trouble), .refused = {}};
    for (const registry_place& place : here.refused) {
        is.refused.push_back({.path = place.directory, .error = code_of(place.trouble)});
    }
    return is;
}

namespace {

constinit std::atomic<bool> at_first_use{true};

}  // namespace

void sweep_at_first_use(bool on) noexcept {
    at_first_use.store(on);
}

void set_label(std::string_view label) noexcept {
    label_registry(label);
}

void set_owner(std::uint64_t pid, std::error_code& ec) noexcept {
    ec = code_of(assign_registry(pid));
}

void set_owner(std::uint64_t pid) {
    std::error_code ec;
    set_owner(pid, ec);
    if (ec) {
        throw std::system_error(ec, "tempfile: cannot find out which process " + std::to_string(pid) + " is");
    }
}

void sweep_once() {
    static constinit std::atomic<bool> done{false};
    if (done.load(std::memory_order_relaxed) || done.exchange(true)) {
        return;
    }
    const char* wish = sys::call.environment("TEMPFILE_SWEEP");
    if (at_first_use.load() && (wish == nullptr || std::string_view(wish) != "0")) {
        try {
            sweep_all({.at_most = std::chrono::milliseconds(100)}, false);
        } catch (const std::bad_alloc&) {
            // Somebody else's registry is no reason for this process to fail.
        }
    }
}

}  // namespace tempfile
