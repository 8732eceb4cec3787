#include "tempfile/publish_batch.hpp"

#include <list>
#include <set>
#include <utility>

#include "atomic_file.hpp"

namespace tempfile {

// One file of the batch on its way, and its rules while that lasts.
struct publish_batch::item {
    atomic_file& file;
    persist_options rules;
    persisted result;
    publication steps;

    item(atomic_file& f, durability durable)
        : file(f),
          rules(with(f.state_->rules, durable)),
          steps({.handle = f.buffer()->underlying(),
                 .path = f.state_->name.path,
                 .owner = f.state_->name.owner,
                 .can_be_linked = f.state_->name.can_be_linked},
                f.state_->target, rules, result) {}
    item(const item&) = delete;
    item& operator=(const item&) = delete;

    [[nodiscard]] sys::handle handle() const noexcept { return file.native_handle(); }
    [[nodiscard]] sys::handle directory() const noexcept { return file.state_->target.directory.native_handle(); }

    static persist_options with(persist_options rules, durability durable) {
        rules.durable = durable;
        return rules;
    }
};

atomic_file& publish_batch::add(const std::filesystem::path& target, const persist_options& rules,
                                const atomic_file_options& options) {
    return files_.emplace_back(target, rules, options);
}

atomic_file& publish_batch::add(atomic_file&& file) {
    return files_.emplace_back(std::move(file));
}

namespace {

using sync = sys::error (*)(sys::handle) noexcept;

// Calls wait(of(each)) once for those that are on the same file system, or are the same directory.
template <class Items, class Of>
problem wait_once(const Items& all, Of of, sync wait) {
    const bool whole = wait == sys::call.sync_file_system;
    std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
    for (const auto& each : all) {
        sys::metadata what;
        sys::error e = sys::call.stat(of(each), what);
        if (e == 0 && seen.emplace(what.id.device, whole ? 0 : what.id.inode).second) {
            e = wait(of(each));
        }
        if (e != 0) {
            return system_problem("cannot wait for the disk", each.file.path().native(), e);
        }
    }
    return no_problem();
}

}  // namespace

// Everything that takes time and can fail, but for the names.
problem publish_batch::prepare_all(std::list<item>& all) {
    const bool waits = options_.durable != durability::none;
    for (item& each : all) {
        if (problem p = each.steps.prepare()) {
            return p;
        }
    }
    for (item& each : all) {
        if (waits) {
            // The disk gets everything to order at once. Where that cannot be asked for, each is just waited for.
            sys::call.begin_sync(each.handle());
            each.steps.copies_wait();
        }
    }
    // After all changes: the first one that is waited for takes the others of a journal along.
    for (item& each : all) {
        problem p = each.steps.wait();
        if (each.steps.damage()) {
            each.file.buffer()->lose(each.steps.damage());
        }
        if (p) {
            return p;
        }
    }
    if (!waits || !options_.whole_file_systems) {
        return no_problem();
    }
    problem p = wait_once(
        all, [](const item& i) { return i.handle(); }, sys::call.sync_file_system);
    for (item& each : all) {
        if (p) {
            each.file.buffer()->lose(p.code());  // which of them it was, nobody knows
        }
    }
    return p;
}

// Up to the first that fails; those that have their names by then are waited for all the same.
problem publish_batch::name_all(std::list<item>& all) {
    problem first;
    for (item& each : all) {
        first = each.steps.give_name();
        if (first) {
            break;
        }
    }
    problem waited;
    if (options_.durable == durability::data_and_directory) {
        waited = wait_once(
            all, [](const item& i) { return i.directory(); },
            options_.whole_file_systems ? sys::call.sync_file_system : sys::call.sync);
    }
    for (item& each : all) {
        const bool all_of_it = !waited || options_.durable != durability::data_and_directory;
        each.result.durable = all_of_it ? options_.durable : durability::data;
    }
    return first ? std::move(first) : std::move(waited);
}

// Room for the answers was made before.
void publish_batch::take_out(std::list<item>& all, batch_result& result) noexcept {
    for (item& each : all) {
        if (each.result.path.empty()) {
            each.steps.restore();
        } else {
            std::error_code too_late;  // as in atomic_file::commit
            each.file.discard(too_late);
            result.published.push_back(std::move(each.result));
        }
    }
    std::erase_if(files_, [](const atomic_file& each) { return each.closed(); });
    result.left = files_.size();
}

problem publish_batch::commit_now(batch_result& result) {
    std::erase_if(files_, [](const atomic_file& each) { return each.closed(); });  // given up by their users
    result.left = files_.size();
    result.published.reserve(files_.size());
    for (const atomic_file& each : files_) {
        if (problem p = check_ownership(each.state_->name.owner, each.path().native())) {
            return p;
        }
    }
    for (atomic_file& each : files_) {
        each.finish_writing();
    }
    const bool each_waits = options_.durable != durability::none && !options_.whole_file_systems;
    std::list<item> all;
    for (atomic_file& each : files_) {
        all.emplace_back(each, each_waits ? durability::data : durability::none);
    }
    problem p;
    try {
        p = prepare_all(all);
        p = p ? std::move(p) : name_all(all);
    } catch (...) {  // from somebody's progress, or for want of memory
        take_out(all, result);
        throw;
    }
    take_out(all, result);
    return p;
}

batch_result publish_batch::commit() {
    batch_result result;
    try {
        succeed(commit_now(result));
    } catch (const std::filesystem::filesystem_error& e) {
        throw batch_error(e, std::move(result));
    }
    return result;
}

batch_result publish_batch::commit(std::error_code& ec) {
    batch_result result;
    ec.clear();
    try {
        ec = commit_now(result).code();
    } catch (const std::system_error& e) {
        ec = e.code();
    }
    return result;
}

}  // namespace tempfile
