#include "registry.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <exception>
#include <limits>
#include <mutex>
#include <new>
#include <optional>
#include <thread>

#include "handle.hpp"
#include "name.hpp"
#include "remove_item.hpp"
#include "report.hpp"
#include "tempfile/file.hpp"

namespace tempfile {
namespace {

using namespace registry_format;

// The slots of this process. Never destroyed: static objects may use it to the end.
class slots {
public:
    // A free slot, claimed; 0 when there is none to be had.
    std::uint32_t claim() noexcept;
    std::uint32_t claim_among(std::uint32_t there, std::uint32_t tries) noexcept;
    // That hold no complete path.
    void free(std::uint32_t number) noexcept;
    // That begin with a path.
    void take_out(std::uint32_t number) noexcept;
    void leave_to_sweep(std::uint32_t number) noexcept;
    // Waits until the disk knows, too, that this one was taken out.
    void sync(std::uint32_t number) noexcept;
    [[nodiscard]] slot& at(std::uint32_t number) const noexcept {
        const std::size_t piece = piece_of(number);
        return pieces_[piece].load(std::memory_order_acquire)[number - first_in_piece(piece)];
    }
    [[nodiscard]] std::uint32_t count() const noexcept { return count_.load(std::memory_order_acquire); }

    // Sees to it that this process has its own registry, as far as it can have one.
    void prepare() noexcept {
        if (process_.load(std::memory_order_acquire) != sys::process_generation()) {
            make();
        }
    }

    registry_status status();
    void label(std::string_view text) noexcept;
    sys::error assign(std::uint64_t pid) noexcept;
    void withdraw() noexcept;
    [[nodiscard]] bool is_in_memory_only() const noexcept { return is_here() && path_.empty(); }
    std::size_t remove_all(removal (*remove)(const registered_path&) noexcept, bool forget) noexcept;
    void discard() noexcept;
    // In a child that was just forked: what it inherited belongs to the parent, above all the lock, which its memory
    // holds as well as its descriptor.
    void let_go_in_child() noexcept {
        if (process_.load() != 0 && process_.load() != sys::process_generation()) {
            abandon();
        }
    }

    std::mutex mutex;  // for everything but claiming and freeing

private:
    void make() noexcept;
    void abandon() noexcept;
    void seize(std::uint32_t number, state next) noexcept;
    [[nodiscard]] bool is_here() const noexcept;
    [[nodiscard]] bool holds_its_file() const noexcept;
    [[nodiscard]] bool path_at(const slot& head) noexcept;
    [[nodiscard]] sys::error owner(sys::process_identity& out) const noexcept;
    void write_owner() noexcept;
    sys::error open_in(const std::string& dir);
    sys::error try_to_open_in(const std::string& dir, sys::handle directory);
    sys::error fill(sys::handle directory, const char* temporary_name, sys::handle h);
    sys::error map_piece(sys::handle h, std::size_t piece) noexcept;
    bool grow(std::uint32_t from) noexcept;

    std::array<std::atomic<slot*>, most_pieces> pieces_{};
    std::atomic<std::uint32_t> count_{0};          // 0 when there is no registry
    std::atomic<std::uint64_t> process_{0};        // who prepared it (sys::process_generation)
    std::atomic<std::uint64_t> number_{0};         // of that process
    std::atomic<std::uint64_t> walker_{0};         // the thread in remove_all()
    std::array<char, longest_path + 1> walked_{};  // a path there
    std::array<char, 64> label_{};                 // empty: the program's name
    std::optional<sys::process_identity> owner_;   // instead of this process
    file file_;                                    // holds the lock; closed when there is only memory
    sys::identity id_;                             // of the file
    std::string path_;
    sys::error trouble_ = 0;
    std::atomic<sys::error> full_{0};  // why the last path was not entered
    std::vector<registry_place> refused_;
};

constinit std::atomic<void (*)() noexcept> before_end{nullptr};

// What std::exit() and quick_exit() leave: objects that nobody destroys. Not what a forked child has inherited, nor
// what threads use that go on to the last moment.
void remove_what_is_left() noexcept {
    if (const auto first = before_end.load()) {
        first();
    }
    const sys::held_signals no_second_walk_in_this_thread;
    const auto remove_unused = [](const registered_path& item) noexcept {
        const bool in_use = item.thread != sys::call.this_thread() && sys::call.thread_runs(item.thread);
        return in_use || item.thread == no_thread ? removal::failed : remove_item(item);
    };
    if (remove_registered(remove_unused, true) == 0) {
        withdraw_registry();
    }
}

// For signal handlers, which must not make it.
constinit std::atomic<slots*> made_already{nullptr};

slots& mine() {
    static slots* const all = [] {
        static auto* const made = new slots;
        sys::process_generation();  // the first call is not for signal handlers
        sys::at_end_of_process(remove_what_is_left);
        made_already.store(made);
        sys::at_fork([] { made->mutex.lock(); },
                     [] {
                         made->let_go_in_child();
                         made->mutex.unlock();
                     });
        return made;
    }();
    return *all;
}

// Where this thread looks first: threads begin at different places, and what was freed last is used again.
thread_local std::uint32_t next_try = 0;

std::uint32_t first_try() noexcept {
    static constinit std::atomic<std::uint32_t> threads{0};
    constexpr std::uint32_t apart = 8;
    return first_slot + threads.fetch_add(1, std::memory_order_relaxed) * apart % (first_slots - first_slot);
}

// Looks at so many, from where this thread looked last.
std::uint32_t slots::claim_among(std::uint32_t there, std::uint32_t tries) noexcept {
    for (std::uint32_t i = 0; i < tries; ++i) {
        const std::uint32_t number = next_try < there ? next_try : first_slot;
        next_try = number + 1;
        auto expected = state::free;
        std::atomic<state>& is = at(number).is;
        if (is.load(std::memory_order_relaxed) == expected &&
            is.compare_exchange_strong(expected, state::claimed, std::memory_order_acquire)) {
            return number;
        }
    }
    return 0;
}

std::uint32_t slots::claim() noexcept {
    if (next_try == 0) {
        next_try = first_try();
    }
    std::uint32_t number = 0;
    for (std::uint32_t there = count(); there != 0 && number == 0; there = count()) {
        // It grows when half of it was found taken in a row; so it is never larger than four times what is needed.
        number = claim_among(there, std::max(first_slots, there / 2));
        if (number == 0 && !grow(there)) {
            number = claim_among(there, there);
            break;
        }
    }
    if (full_.load(std::memory_order_relaxed) != 0 && number != 0) {
        full_.store(0, std::memory_order_relaxed);
    }
    return number;
}

void slots::sync(std::uint32_t number) noexcept {
    if (!file_.closed()) {
        sys::call.sync_map(&at(number).is, sizeof(slot::is));  // where that fails the disk is broken, or the file gone
    }
}

void slots::free(std::uint32_t number) noexcept {
    // The head goes first, so that nobody follows a path into slots that are free already.
    next_try = number;
    for (std::uint32_t rest = 0; number != 0; number = rest) {
        slot& s = at(number);
        rest = s.next;
        s.is.store(state::free, std::memory_order_release);
    }
}

// While another thread removes what stands there, it stands there.
void slots::seize(std::uint32_t number, state next) noexcept {
    std::atomic<state>& is = at(number).is;
    auto now = state::live;
    while (!is.compare_exchange_weak(now, next, std::memory_order_acquire) && now != state::free) {
        if (now == state::removing) {
            std::this_thread::yield();
        }
        now = state::live;
    }
}

void slots::take_out(std::uint32_t number) noexcept {
    seize(number, state::claimed);
    free(number);
}

void slots::leave_to_sweep(std::uint32_t number) noexcept {
    seize(number, state::removing);  // so that nobody reads the number of the thread
    at(number).thread = no_thread;
    at(number).is.store(state::live, std::memory_order_release);
}

bool slots::grow(std::uint32_t from) noexcept {
    const std::lock_guard lock(mutex);
    if (count() != from) {
        return true;  // another thread was faster
    }
    const std::size_t piece = piece_of(from);
    const bool can_grow = file_.closed() || holds_its_file();
    const sys::error e = piece == most_pieces ? ENOSPC : can_grow ? map_piece(file_.native_handle(), piece) : EBADF;
    if (e != 0) {
        full_.store(e, std::memory_order_relaxed);
        return false;
    }
    next_try = from;
    count_.store(2 * from, std::memory_order_release);
    return true;
}

// Room that is there for certain, and reads as zeros.
sys::error reserve(sys::handle h, std::uint64_t offset, std::uint64_t bytes) noexcept {
    sys::error e = sys::call.allocate(h, offset + bytes);
    if (e != EOPNOTSUPP && e != EINVAL && e != ENOSYS) {
        return e;
    }
    static constexpr std::array<char, 4096> zeros{};
    e = 0;
    for (std::size_t done = 0; e == 0 && bytes != 0; bytes -= done, offset += done) {
        e = sys::call.pwrite(h, zeros.data(), std::min<std::uint64_t>(bytes, zeros.size()), offset, done);
    }
    return e;
}

// Reserved before it is mapped: writing to a mapped page for which there is no room is a SIGBUS (mmap(2)).
sys::error slots::map_piece(sys::handle h, std::size_t piece) noexcept {
    const std::uint64_t offset = offset_of(first_in_piece(piece));
    const std::uint64_t bytes = offset_of(first_in_piece(piece + 1)) - offset;
    if (const sys::error e = h == sys::no_handle ? 0 : reserve(h, offset, bytes)) {
        return e;
    }
    void* memory = nullptr;
    if (const sys::error e = sys::call.map(h, offset, bytes, memory)) {
        return e;
    }
    pieces_[piece].store(static_cast<slot*>(memory), std::memory_order_release);
    return 0;
}

// --- Making it ---

// A new file is called new-* until it is complete, and its lock is taken before that: who finds a new-* that is not
// locked may remove it.
constexpr std::string_view temporary_prefix = "new-";

sys::error slots::fill(sys::handle directory, const char* temporary_name, sys::handle h) {
    if (const sys::error e = sys::call.lock(h, false)) {
        return e;
    }
    sys::metadata made;
    if (const sys::error e = sys::call.stat(h, made)) {
        return e;
    }
    id_ = made.id;
    constexpr std::uint32_t owners = 0600;
    if ((made.permissions & owners) != owners) {  // the umask took them
        if (const sys::error e = sys::call.set_permissions(h, owners)) {
            return e;
        }
    }
    sys::call.overwrite_in_place(h);  // else each writing of a page could find the disk full
    if (const sys::error e = map_piece(h, 0)) {
        return e;
    }
    header head;
    head.magic = magic;
    head.version = version;
    head.slot_bytes = sizeof(slot);
    head.user = sys::call.effective_user();
    head.made = sys::call.wall_clock();
    if (const sys::error e = owner(head.owner)) {
        return e == ENOENT ? ENOTSUP : e;  // nobody could ever tell that this process is dead
    }
    std::memcpy(static_cast<void*>(pieces_[0].load()), &head, sizeof head);
    const std::string name = std::to_string(head.owner.pid) + (temporary_name + temporary_prefix.size() - 1);
    path_ += '/' + name;
    return sys::call.rename(directory, temporary_name, directory, name.c_str());
}

sys::error slots::open_in(const std::string& dir) {
    sys::handle directory = sys::no_handle;
    if (const sys::error e = open_registry_directory(dir, true, directory)) {
        return e;
    }
    const file held(directory);
    // A sweep that finds the file before it is locked takes it for one of a dead process, and removes it.
    constexpr int most_tries = 100;
    sys::error e = EWOULDBLOCK;
    for (int tries = 0; tries < most_tries && (e == EWOULDBLOCK || e == ENOENT); ++tries) {
        e = try_to_open_in(dir, directory);
    }
    return e;
}

sys::error slots::try_to_open_in(const std::string& dir, sys::handle directory) {
    std::string name(temporary_prefix);
    name.append(random_characters, '?');
    if (const problem p = random_name(name.data() + temporary_prefix.size())) {
        return p.code().value();
    }
    sys::handle h = sys::no_handle;
    if (const sys::error e = sys::call.create_file_in(directory, name.c_str(), h)) {
        return e;
    }
    sys::error e = keep_off_standard_streams(h);
    file_ = file(h);
    path_ = dir;
    e = e != 0 ? e : fill(directory, name.c_str(), h);
    if (e != 0) {
        sys::call.remove_file(directory, name.c_str());
        abandon();
    }
    return e;
}

// Some programs close every descriptor they do not know (closefrom(3)); then ours is nobody's, or somebody else's.
bool slots::holds_its_file() const noexcept {
    sys::metadata there;
    return sys::call.stat(file_.native_handle(), there) == 0 && there.id == id_;
}

// Leaves a registry alone that is the parent's, or that could not be completed.
void slots::abandon() noexcept {
    if (!file_.closed() && !holds_its_file()) {
        static_cast<void>(file_.release());
    }
    count_.store(0, std::memory_order_release);
    for (std::size_t piece = 0; piece < most_pieces; ++piece) {
        if (slot* const memory = pieces_[piece].exchange(nullptr)) {
            sys::call.unmap(memory, offset_of(first_in_piece(piece + 1) - first_in_piece(piece)));
        }
    }
    file_ = file();
    full_.store(0);
    path_.clear();
    walker_.store(0);  // a thread that the child does not have
}

void slots::make() noexcept {
    const std::lock_guard lock(mutex);
    const std::uint64_t process = sys::process_generation();
    if (process_.load(std::memory_order_relaxed) == process) {
        return;
    }
    abandon();
    trouble_ = ENOENT;
    refused_.clear();
    try {
        for (const std::string& dir : registry_directories()) {
            trouble_ = open_in(dir);
            if (trouble_ == 0) {
                break;
            }
            refused_.push_back({dir, trouble_});
        }
    } catch (const std::bad_alloc&) {
        abandon();
        trouble_ = ENOMEM;
    }
    // Without a file, memory: what can be removed at the end of the process is removed then.
    if (trouble_ == 0 || map_piece(sys::no_handle, 0) == 0) {
        number_.store(sys::call.process_number());
        count_.store(first_slots, std::memory_order_release);
    }
    process_.store(process, std::memory_order_release);
}

registry_status slots::status() {
    const std::lock_guard lock(mutex);
    const bool here = process_.load() == sys::process_generation();
    const sys::error trouble = trouble_ != 0 ? trouble_ : full_.load();
    return here ? registry_status{.path = path_, .trouble = trouble, .refused = refused_}
                : registry_status{.path = {}, .trouble = ENOENT, .refused = {}};
}

void slots::label(std::string_view text) noexcept {
    const std::lock_guard lock(mutex);
    text = text.substr(0, std::min(text.find('\0'), label_.size() - 1));
    label_.fill('\0');
    std::copy(text.begin(), text.end(), label_.begin());
    write_owner();
}

// Who stands in the registry, under the name that was chosen.
sys::error slots::owner(sys::process_identity& out) const noexcept {
    const sys::error e = owner_ ? 0 : sys::call.this_process(out);
    if (owner_) {
        out = *owner_;
    }
    if (label_[0] != '\0') {
        out.program = label_;
    }
    return e;
}

// Nobody goes by it as long as we live, since we hold the lock.
void slots::write_owner() noexcept {
    sys::process_identity who;
    if (is_here() && owner(who) == 0) {
        auto* const head = static_cast<char*>(static_cast<void*>(pieces_[0].load()));
        std::memcpy(head + offsetof(header, owner), &who, sizeof who);
    }
}

sys::error slots::assign(std::uint64_t pid) noexcept {
    const std::lock_guard lock(mutex);
    sys::process_identity who;
    sys::error e = sys::call.this_process(who);
    const bool is_self = pid == who.pid;
    if (!is_self && e == 0) {
        constexpr std::uint64_t largest = std::numeric_limits<std::int32_t>::max();
        who.pid = pid;
        e = pid == 0 || pid > largest ? ESRCH : sys::call.start_time(pid, who.start);
    }
    if (e != 0) {
        return e;
    }
    owner_ = is_self ? std::nullopt : std::optional(who);
    write_owner();
    return 0;
}

// The number as well: a child that shares our memory has our generation (vfork(2)).
bool slots::is_here() const noexcept {
    return count() != 0 && process_.load(std::memory_order_acquire) == sys::process_generation() &&
           number_.load() == sys::call.process_number();
}

void slots::withdraw() noexcept {
    const std::lock_guard lock(mutex);
    const std::uint32_t there = is_here() ? count() : 0;
    for (std::uint32_t number = first_slot; number < there; ++number) {
        if (at(number).is.load(std::memory_order_acquire) == state::live) {
            return;
        }
    }
    discard();
}

void slots::discard() noexcept {
    if (is_here() && !path_.empty()) {
        sys::call.remove_file(sys::working_directory, path_.c_str());  // it stays mapped: threads may still run
    }
}

// --- In a signal handler ---

// Copies the path together; false when it is too long.
bool slots::path_at(const slot& head) noexcept {
    if (head.length >= walked_.size()) {
        return false;
    }
    std::size_t done = 0;
    for (const slot* s = &head; done < head.length; s = &at(s->next)) {
        const std::size_t here = std::min<std::size_t>(head.length - done, s->text.size());
        std::memcpy(walked_.data() + done, s->text.data(), here);
        done += here;
    }
    walked_[done] = '\0';
    return true;
}

std::size_t slots::remove_all(removal (*remove)(const registered_path&) noexcept, bool forget) noexcept {
    if (!is_here()) {
        return 0;
    }
    const std::uint64_t self = sys::call.this_thread();
    for (std::uint64_t walker = 0; !walker_.compare_exchange_weak(walker, self, std::memory_order_acquire);) {
        if (walker == self) {
            return 0;
        }
        walker = 0;
        std::this_thread::yield();
    }
    std::size_t failed = 0;
    const std::uint32_t there = count();
    for (std::uint32_t number = first_slot; number < there; ++number) {
        slot& head = at(number);
        auto expected = state::live;
        if (!head.is.compare_exchange_strong(expected, state::removing, std::memory_order_acquire)) {
            continue;
        }
        const registered_path item{.path = walked_.data(),
                                   .what = head.what,
                                   .id = {.device = head.device.load(), .inode = head.inode.load()},
                                   .thread = head.thread};
        const bool gone = path_at(head) && remove(item) == removal::done;
        failed += gone ? 0 : 1;
        if (gone && forget) {
            free(number);
        } else {
            head.is.store(state::live, std::memory_order_release);
        }
    }
    walker_.store(0, std::memory_order_release);
    return failed;
}

}  // namespace

// --- One path ---

namespace {

// Asked of the system once in a thread, and again in a forked child, whose thread it is not.
std::uint64_t this_thread() noexcept {
    thread_local std::uint64_t asked_by = 0;
    thread_local std::uint64_t number = 0;
    if (asked_by != sys::process_generation()) {
        asked_by = sys::process_generation();
        number = sys::call.this_thread();
    }
    return number;
}

}  // namespace

void registration::enter(registered_kind what, std::string_view path) noexcept {
    leave();
    slots& all = mine();
    all.prepare();
    exceptions_ = std::uncaught_exceptions();
    process_ = sys::process_generation();
    if (path.size() > longest_path) {
        return;  // nothing can be made there
    }
    constexpr std::size_t room = sizeof(slot::text);
    // From the end, so that the head is written last.
    std::uint32_t next = 0;
    std::size_t pieces = (path.size() + room - 1) / room;
    do {
        const std::uint32_t number = all.claim();
        if (number == 0) {
            all.free(next);
            return;
        }
        --pieces;
        slot& s = all.at(number);
        const std::string_view here = path.substr(pieces * room, room);
        std::memcpy(s.text.data(), here.data(), here.size());
        s.next = next;
        next = number;
    } while (pieces != 0);
    slot& head = all.at(next);
    head.length = static_cast<std::uint32_t>(path.size());
    head.what = what;
    head.created = sys::call.wall_clock();
    head.born.store(0, std::memory_order_relaxed);
    head.device.store(0, std::memory_order_relaxed);
    head.inode.store(0, std::memory_order_relaxed);
    head.thread = this_thread();
    head.check = checksum(path, what);
    head.is.store(state::live, std::memory_order_release);
    number_ = next;
}

void registration::enter_nowhere() noexcept {
    leave();
    process_ = sys::process_generation();
}

bool registration::is_to_be_kept() const noexcept {
    const keep_wish wish = wish_to_keep();
    return wish == keep_wish::everything || (wish == keep_wish::on_error && std::uncaught_exceptions() > exceptions_);
}

bool registration::ours() const noexcept {
    return process_ != 0 && process_ == sys::process_generation();
}

void registration::identify(std::uint64_t device, std::uint64_t inode, std::uint64_t born) noexcept {
    if (number_ != 0 && ours()) {
        slot& head = mine().at(number_);
        head.born.store(born, std::memory_order_relaxed);
        head.device.store(device, std::memory_order_relaxed);
        head.inode.store(inode, std::memory_order_release);
    }
}

void registration::leave() noexcept {
    if (number_ != 0 && ours()) {
        mine().take_out(number_);
    }
    number_ = 0;
    process_ = 0;
}

void registration::leave_to_sweep() noexcept {
    if (number_ != 0 && ours()) {
        mine().leave_to_sweep(number_);
    }
}

void registration::leave_for_good() noexcept {
    const std::uint32_t number = ours() ? number_ : 0;
    leave();
    if (number != 0) {
        mine().sync(number);
    }
}

// --- Where, and what ---

std::vector<std::string> registry_directories() {
    if (const char* chosen = sys::call.environment("TEMPFILE_REGISTRY")) {
        return *chosen == '/' ? std::vector<std::string>{chosen} : std::vector<std::string>();
    }
    const std::string name = "/tempfile-" + std::to_string(sys::call.effective_user());
    return {"/var/tmp" + name, "/tmp" + name};  // the first survives a reboot
}

sys::error open_registry_directory(const std::string& dir, bool make, sys::handle& opened) noexcept {
    sys::handle h = sys::no_handle;
    sys::error e = sys::call.open_directory(sys::working_directory, dir.c_str(), h);
    if (e == ENOENT && make) {
        e = sys::call.create_directory(dir.c_str());
        if (e == 0 || e == EEXIST) {
            e = sys::call.open_directory(sys::working_directory, dir.c_str(), h);
        }
    }
    if (e == 0) {
        e = keep_off_standard_streams(h);
    }
    if (e != 0) {
        return e;
    }
    sys::metadata meta;
    e = sys::call.stat(h, meta);
    if (e == 0 && (meta.owner != sys::call.effective_user() || (meta.permissions & 077U) != 0)) {
        e = EPERM;
    }
    if (e != 0) {
        sys::call.close(h);
        return e;
    }
    opened = h;
    return 0;
}

registry_status registry_here() {
    return mine().status();
}

void handle_forks_of_registry() noexcept {
    mine();
}

void prepare_registry() noexcept {
    mine().prepare();
}

void label_registry(std::string_view label) noexcept {
    mine().label(label);
}

sys::error assign_registry(std::uint64_t pid) noexcept {
    return mine().assign(pid);
}

bool can_leave_to_sweep() noexcept {
    return !mine().is_in_memory_only();
}

void before_end_of_process(void (*first)() noexcept) noexcept {
    mine();
    before_end.store(first);
}

void withdraw_registry() noexcept {
    mine().withdraw();
}

std::size_t remove_registered(removal (*remove)(const registered_path&) noexcept, bool forget) noexcept {
    slots* const all = made_already.load();
    return all == nullptr ? 0 : all->remove_all(remove, forget);
}

void discard_registry() noexcept {
    if (slots* const all = made_already.load()) {
        all->discard();
    }
}

}  // namespace tempfile
