#include "tempfile/publish_batch.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <list>
#include <optional>
#include <set>
#include <utility>
#include <vector>

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
                 .can_be_linked = f.state_->name.can_be_linked,
                 .for_everybody = f.state_->name.for_everybody},
                f.state_->target, rules, result) {}
    item(const item&) = delete;
    item& operator=(const item&) = delete;

    [[nodiscard]] sys::handle handle() const noexcept { return file.native_handle(); }
    [[nodiscard]] const publish_target& target() const noexcept { return file.state_->target; }

    static persist_options with(persist_options rules, durability durable) {
        rules.durable = durable;
        return rules;
    }
};

atomic_file& publish_batch::add(const std::filesystem::path& target, const persist_options& rules,
                                const atomic_file_options& options) {
    files_.push_back(atomic_file(target, rules, options, files_.empty() ? nullptr : &files_.back()));
    return files_.back();
}

atomic_file& publish_batch::add(atomic_file&& file) {
    return files_.emplace_back(std::move(file));
}

namespace {

// What two of a batch have in common; nothing for those that need not be looked at.
using common = std::optional<std::pair<std::uint64_t, std::uint64_t>>;

// Calls wait(each) once for those that have the same in common, which of(each, shared) finds out.
template <class Items, class Of, class Wait>
problem wait_once(const Items& all, Of of, Wait wait) {
    std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
    for (const auto& each : all) {
        common shared;
        sys::error e = of(each, shared);
        if (e == 0 && shared && seen.insert(*shared).second) {
            e = wait(each);
        }
        if (e != 0) {
            return system_problem("cannot wait for the disk", each.file.path().native(), e);
        }
    }
    return no_problem();
}

template <class Items>
problem wait_for_file_systems(const Items& all) {
    const auto device = [](const auto& each, common& shared) {
        sys::metadata what;
        const sys::error e = sys::call.stat(each.handle(), what);
        shared.emplace(what.id.device, 0);
        return e;
    };
    return wait_once(all, device, [](const auto& each) { return sys::call.sync_file_system(each.handle()); });
}

// Several ask the disk at the same time, which answers all of them at once: one after the other, each file would empty
// its cache anew, which is nearly all that waiting costs (docs/design.md).
class waiting_together {
public:
    // `no_handle`: there is nothing to be waited for.
    void add(sys::handle h) {
        all_.push_back({.handle = h});
        any_ = h == sys::no_handle ? any_ : h;
        count_ += h == sys::no_handle ? 0 : 1;
    }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    [[nodiscard]] sys::handle any() const noexcept { return any_; }
    // @return whether all are on the disk.
    void run(unsigned threads) {
        std::vector<sys::thread> made(std::min<std::size_t>(threads, count_));
        sys::thread_body body{.run = [](void* all) noexcept { static_cast<waiting_together*>(all)->work(); },
                              .with = this};
        std::size_t others = 0;
        while (others + 1 < made.size() && sys::call.start_thread(body, made[others]) == 0) {
            ++others;
        }
        work();
        for (std::size_t i = 0; i < others; ++i) {
            sys::call.join_thread(made[i]);
        }
    }
    [[nodiscard]] sys::error result(std::size_t i) const noexcept { return all_[i].result; }

private:
    struct one {
        sys::handle handle;
        sys::error result = 0;
    };

    void work() noexcept {
        for (std::size_t i = next_++; i < all_.size(); i = next_++) {
            one& mine = all_[i];
            mine.result = mine.handle == sys::no_handle ? 0 : sys::call.sync(mine.handle);
        }
    }

    std::vector<one> all_;
    std::size_t count_ = 0;
    sys::handle any_ = sys::no_handle;
    std::atomic<std::size_t> next_{0};
};

// Where everything is in memory there is nothing to be waited for.
unsigned threads_worth_it(unsigned asked, std::size_t files, sys::handle any) {
    constexpr std::size_t enough_files = 16;
    constexpr unsigned by_itself = 8;
    constexpr unsigned most = 16;
    sys::file_system kind{};
    if (asked != 0) {
        return std::min(asked, most);
    }
    const bool on_disk = any != sys::no_handle && files >= enough_files && sys::call.file_system_of(any, kind) == 0 &&
                         kind != sys::file_system::memory;
    return on_disk ? by_itself : 1;
}

}  // namespace

problem publish_batch::wait_for_all(std::list<item>& all) {
    waiting_together disk;
    for (item& each : all) {
        disk.add(each.steps.to_wait_for());
    }
    disk.run(threads_worth_it(options_.threads, disk.count(), disk.any()));
    // Before anything that takes memory: the disk says it once.
    std::size_t i = 0;
    for (item& each : all) {
        if (const sys::error e = disk.result(i++)) {
            each.file.buffer()->lose(code_of(e));
        }
    }
    problem first;
    i = 0;
    for (item& each : all) {
        problem p = each.steps.waited(disk.result(i++));
        if (each.steps.damage()) {
            each.file.buffer()->lose(each.steps.damage());
        }
        first = first ? std::move(first) : std::move(p);
    }
    return first;
}

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
    problem p = all.empty() ? no_problem() : wait_for_all(all);
    if (p || !waits || !waits_for_whole_) {
        return p;
    }
    p = wait_for_file_systems(all);
    for (item& each : all) {
        if (p) {
            each.file.buffer()->lose(p.code());  // which of them it was, nobody knows
        }
    }
    return p;
}

problem publish_batch::wait_for_names(const std::list<item>& all) const {
    if (waits_for_whole_) {
        return wait_for_file_systems(all);
    }
    const held_directory* last = nullptr;
    const auto directory = [&last](const item& each, common& shared) {
        sys::metadata what;
        const held_directory* const here = each.target().directory.get();
        if (std::exchange(last, here) == here) {
            return 0;
        }
        const sys::error e = sys::call.stat(each.target().held(), what);
        shared.emplace(what.id.device, what.id.inode);
        return e;
    };
    return wait_once(all, directory, [](const item& each) { return each.target().sync(each.handle()); });
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
    problem waited = options_.durable == durability::data_and_directory ? wait_for_names(all) : no_problem();
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
        each.write_all_and_no_more();
    }
    waits_for_whole_ = options_.whole_file_systems && std::all_of(files_.begin(), files_.end(), [](const auto& each) {
                           return can_sync_file_system(each.native_handle());
                       });
    const bool each_waits = options_.durable != durability::none && !waits_for_whole_;
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
