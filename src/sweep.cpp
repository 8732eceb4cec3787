#include "sweep.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <new>
#include <string_view>
#include <utility>

#include "liveness.hpp"
#include "orphan.hpp"
#include "registry.hpp"
#include "registry_file.hpp"
#include "remove_item.hpp"
#include "tempfile/file.hpp"
#include "tempfile/sweep.hpp"

namespace tempfile {
namespace {

// One registry that was opened.
struct registry_reader {
    registry_contents contents;
    file handle;
    bool locked = false;
    liveness owner = liveness::unknown;
    bool rebooted = false;

    [[nodiscard]] bool dead() const noexcept { return locked && owner == liveness::dead; }
};

bool is_complete(std::string_view name) noexcept {
    return !name.starts_with("new-");
}

// 0 when it could be read; ENOENT when there is nothing to be done about it. One that was never completed goes, unless
// this is only a look.
sys::error open_registry(sys::handle directory, const char* name, bool only_look, registry_reader& out) {
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
    out.locked = sys::call.lock(h, false) == 0;
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
    if (const sys::error e = read_registry(h, out.contents)) {
        return e;
    }
    sys::process_identity self;
    sys::call.this_process(self);
    out.rebooted = out.contents.head.owner.boot != self.boot;
    out.owner = out.locked ? liveness_of(out.contents.head.owner) : liveness::alive;
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

registered describe(const registry_contents& contents, const registry_record& record, bool alive) {
    registered out;
    out.path = record.path;
    out.directory = record.what == registry_format::kind::directory;
    out.created = std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::nanoseconds(record.created)));
    out.pid = contents.head.owner.pid;
    out.program = contents.head.owner.program.data();
    out.alive = alive;
    return out;
}

skip_reason why_skipped(const registry_reader& reader, sys::error e) noexcept {
    switch (e) {
        case 0:
            return reader.dead()                       ? skip_reason::damaged
                   : reader.owner == liveness::unknown ? skip_reason::out_of_sight
                                                       : skip_reason::alive;
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

    explicit sweeper(const sweep_options& options) noexcept
        : dry_run_(options.dry_run),
          end_(sys::call.steady_clock() +
               static_cast<std::uint64_t>(
                   std::chrono::nanoseconds(std::clamp<std::chrono::milliseconds>(options.at_most, {}, longest))
                       .count())) {}

    // False when the time is up.
    bool visit(const std::string& path, sys::handle directory, const char* name) {
        if (is_late()) {
            report_.complete = false;
            return false;
        }
        registry_reader reader;
        const sys::error e = open_registry(directory, name, dry_run_, reader);
        if (e == ENOENT) {
            return true;
        }
        const bool damaged = reader.locked && reader.contents.damaged != 0;
        if (e != 0 || damaged || !reader.dead()) {
            skip(std::filesystem::path(path) / name, reader, e);
        }
        if (e == 0 && reader.dead()) {
            bury(reader);
            if (!dry_run_ && left_ == 0 && !damaged) {
                sys::call.remove_file(directory, name);
            }
        }
        return true;
    }

    void refuse(const std::string& path, sys::error e) {
        const bool foreign = e == EPERM || e == ENOTDIR || e == ELOOP;
        report_.skipped.push_back({.path = path,
                                   .reason = foreign ? skip_reason::refused : skip_reason::unreadable,
                                   .pid = 0,
                                   .program = {},
                                   .error = code_of(e)});
    }

    sweep_report report() && { return std::move(report_); }

private:
    [[nodiscard]] bool is_late() const noexcept { return sys::call.steady_clock() >= end_; }

    void skip(const std::filesystem::path& path, const registry_reader& reader, sys::error e) {
        const auto& owner = reader.contents.head.owner;
        const skip_reason reason = why_skipped(reader, e);
        report_.skipped.push_back({.path = path,
                                   .reason = reason,
                                   .pid = e == 0 ? owner.pid : 0,
                                   .program = e == 0 ? owner.program.data() : "",
                                   .error = reason == skip_reason::unreadable ? code_of(e) : std::error_code()});
    }

    // Removes everything in the registry of a dead process.
    void bury(const registry_reader& reader) {
        left_ = 0;
        for (const registry_record& record : reader.contents.records) {
            registered item = describe(reader.contents, record, false);
            const bool late = is_late();
            item.error = late ? code_of(ECANCELED) : remove(record, reader.rebooted);
            if (item.error == std::errc::no_such_file_or_directory) {  // gone already, or killed before it was made
                continue;
            }
            report_.complete = report_.complete && item.error != std::errc::operation_canceled;
            if (item.error) {
                ++left_;
                report_.left.push_back(std::move(item));
            } else {
                if (!dry_run_) {
                    forget_record(reader.handle.native_handle(), record.number);
                }
                report_.removed.push_back(std::move(item));
            }
        }
    }

    [[nodiscard]] std::error_code remove(const registry_record& record, bool rebooted) const {
        const sys::error there = examine_orphan(record, rebooted);
        if (there != 0) {
            return code_of(there);
        }
        return dry_run_ ? std::error_code() : remove_orphan(record, rebooted, end_).code();
    }

    bool dry_run_;
    std::uint64_t end_;
    std::uint64_t left_ = 0;
    sweep_report report_;
};

// --- The end of the process ---

// What std::exit() and quick_exit() leave: objects that nobody destroys. Not what a forked child has inherited, nor
// what threads use that go on to the last moment.
void remove_what_is_left() noexcept {
    const sys::held_signals no_second_walk_in_this_thread;
    const auto remove_unused = [](const registered_path& item) noexcept {
        const bool in_use = item.thread != sys::call.this_thread() && sys::call.thread_runs(item.thread);
        return in_use ? removal::failed : remove_item(item);
    };
    if (remove_registered(remove_unused, true) == 0) {
        withdraw_registry();
    }
}

void arrange_end() noexcept {
    static constinit std::atomic<bool> arranged{false};
    if (!arranged.exchange(true)) {
        sys::at_end_of_process(remove_what_is_left);
    }
}

}  // namespace

sweep_report sweep(const sweep_options& options) {
    sweeper work(options);
    const auto visit = [&](const std::string& path, sys::handle directory, const char* name) {
        return work.visit(path, directory, name);
    };
    for_each_registry(visit, [&](const std::string& path, sys::error e) { work.refuse(path, e); });
    return std::move(work).report();
}

std::vector<registered> leftovers() {
    std::vector<registered> all;
    const auto list = [&](const std::string&, sys::handle directory, const char* name) {
        registry_reader reader;
        if (open_registry(directory, name, true, reader) == 0) {
            for (const registry_record& record : reader.contents.records) {
                all.push_back(describe(reader.contents, record, !reader.dead()));
            }
        }
        return true;
    };
    for_each_registry(list, [](const std::string&, sys::error) {});  // sweep() tells of these
    return all;
}

crash_safety explain_crash_safety() {
    arrange_end();
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

void sweep_once() {
    static constinit std::atomic<bool> done{false};
    if (done.load(std::memory_order_relaxed) || done.exchange(true)) {
        return;
    }
    arrange_end();
    const char* wish = sys::call.environment("TEMPFILE_SWEEP");
    if (at_first_use.load() && (wish == nullptr || std::string_view(wish) != "0")) {
        try {
            sweep({.at_most = std::chrono::milliseconds(100)});
        } catch (const std::bad_alloc&) {
            // Somebody else's registry is no reason for this process to fail.
        }
    }
}

}  // namespace tempfile
