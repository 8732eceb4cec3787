#include "registry.hpp"

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <new>

#include "handle.hpp"
#include "name.hpp"
#include "tempfile/file.hpp"

namespace tempfile {
namespace {

using namespace registry_format;

// The slots of this process. Never destroyed: static objects may use it to the end.
class slots {
public:
    // A free slot, claimed; 0 when there is none to be had.
    std::uint32_t claim() noexcept;
    void free(std::uint32_t number) noexcept;
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
    void withdraw() noexcept;
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
    [[nodiscard]] bool holds_its_file() const noexcept;
    sys::error open_in(const std::string& dir);
    sys::error try_to_open_in(const std::string& dir, sys::handle directory);
    sys::error fill(sys::handle directory, const char* temporary_name, sys::handle h);
    sys::error map_piece(sys::handle h, std::size_t piece) noexcept;
    bool grow(std::uint32_t from) noexcept;

    std::array<std::atomic<slot*>, most_pieces> pieces_{};
    std::atomic<std::uint32_t> count_{0};    // 0 when there is no registry
    std::atomic<std::uint64_t> process_{0};  // who prepared it (sys::process_generation)
    file file_;                              // holds the lock
    sys::identity id_;                       // of the file
    std::string path_;
    sys::error trouble_ = 0;
};

slots& mine() {
    static slots* const all = [] {
        static auto* const made = new slots;
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

std::uint32_t slots::claim() noexcept {
    if (next_try == 0) {
        next_try = first_try();
    }
    for (std::uint32_t there = count(); there != 0; there = count()) {
        // It grows when half of it was found taken in a row; so it is never larger than four times what is needed.
        const std::uint32_t tries = std::max(first_slots, there / 2);
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
        if (!grow(there)) {
            break;
        }
    }
    return 0;
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

bool slots::grow(std::uint32_t from) noexcept {
    const std::lock_guard lock(mutex);
    if (count() != from) {
        return true;  // another thread was faster
    }
    const std::size_t piece = piece_of(from);
    if (piece == most_pieces || !holds_its_file() || map_piece(file_.native_handle(), piece) != 0) {
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
    if (const sys::error e = reserve(h, offset, bytes)) {
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
    if (const sys::error e = map_piece(h, 0)) {
        return e;
    }
    header head;
    head.magic = magic;
    head.version = version;
    head.slot_bytes = sizeof(slot);
    head.user = sys::call.effective_user();
    head.made = sys::call.wall_clock();
    sys::call.this_process(head.owner);
    std::memcpy(static_cast<void*>(pieces_[0].load()), &head, sizeof head);
    const std::string name = std::to_string(head.owner.pid) + (temporary_name + temporary_prefix.size() - 1);
    path_ += '/' + name;
    return sys::call.rename(directory, temporary_name, name.c_str());
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
    path_.clear();
}

void slots::make() noexcept {
    const std::lock_guard lock(mutex);
    const std::uint64_t process = sys::process_generation();
    if (process_.load(std::memory_order_relaxed) == process) {
        return;
    }
    abandon();
    trouble_ = ENOENT;
    try {
        for (const std::string& dir : registry_directories()) {
            trouble_ = open_in(dir);
            if (trouble_ == 0) {
                count_.store(first_slots, std::memory_order_release);
                break;
            }
        }
    } catch (const std::bad_alloc&) {
        abandon();
        trouble_ = ENOMEM;
    }
    process_.store(process, std::memory_order_release);
}

registry_status slots::status() {
    const std::lock_guard lock(mutex);
    const bool here = process_.load() == sys::process_generation();
    return here ? registry_status{.path = path_, .trouble = trouble_} : registry_status{.path = {}, .trouble = ENOENT};
}

void slots::withdraw() noexcept {
    const std::lock_guard lock(mutex);
    const bool here = process_.load() == sys::process_generation() && count() != 0;
    for (std::uint32_t number = first_slot; here && number < count(); ++number) {
        if (at(number).is.load(std::memory_order_acquire) == state::live) {
            return;
        }
    }
    if (here) {
        sys::call.remove_file(sys::working_directory, path_.c_str());  // it stays mapped: threads may still run
    }
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
    process_ = sys::process_generation();
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
    head.device = 0;
    head.inode = 0;
    head.thread = this_thread();
    head.check = checksum(path, what);
    head.is.store(state::live, std::memory_order_release);
    number_ = next;
}

void registration::enter_nowhere() noexcept {
    leave();
    process_ = sys::process_generation();
}

bool registration::ours() const noexcept {
    return process_ != 0 && process_ == sys::process_generation();
}

void registration::identify(std::uint64_t device, std::uint64_t inode) noexcept {
    if (number_ != 0 && ours()) {
        slot& head = mine().at(number_);
        head.device = device;
        head.inode = inode;
    }
}

void registration::leave() noexcept {
    if (number_ != 0 && ours()) {
        mine().free(number_);
    }
    number_ = 0;
    process_ = 0;
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

void prepare_registry() noexcept {
    mine().prepare();
}

void withdraw_registry() noexcept {
    mine().withdraw();
}

}  // namespace tempfile
