#include "registry_memory.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>

#include "handle.hpp"
#include "name.hpp"
#include "registry_file.hpp"

namespace tempfile {

using namespace registry_format;

namespace {

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

// A new file is called new-* until it is complete, and its lock is taken before that: who finds a new-* that is not
// locked may remove it.
constexpr std::string_view temporary_prefix = "new-";

}  // namespace

// Reserved before it is mapped: writing to a mapped page for which there is no room is a SIGBUS (mmap(2)).
sys::error registry_memory::map_piece(sys::handle h, std::size_t piece) noexcept {
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

sys::error registry_memory::fill(sys::handle directory, const char* temporary_name, sys::handle h) {
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

sys::error registry_memory::open_in(const std::string& dir) {
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

sys::error registry_memory::try_to_open_in(const std::string& dir, sys::handle directory) {
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
bool registry_memory::holds_its_file() const noexcept {
    sys::metadata there;
    return sys::call.stat(file_.native_handle(), there) == 0 && there.id == id_;
}

void registry_memory::abandon() noexcept {
    if (!file_.closed() && !holds_its_file()) {
        static_cast<void>(file_.release());
    }
    for (std::size_t piece = 0; piece < most_pieces; ++piece) {
        if (slot* const memory = pieces_[piece].exchange(nullptr)) {
            sys::call.unmap(memory, offset_of(first_in_piece(piece + 1) - first_in_piece(piece)));
        }
    }
    file_ = file();
    path_.clear();
}

bool registry_memory::make() noexcept {
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
    return trouble_ == 0 || map_piece(sys::no_handle, 0) == 0;
}

sys::error registry_memory::add_piece(std::size_t piece) noexcept {
    if (piece == most_pieces) {
        return ENOSPC;
    }
    const bool can_grow = file_.closed() || holds_its_file();
    return can_grow ? map_piece(file_.native_handle(), piece) : EBADF;
}

void registry_memory::discard() noexcept {
    if (!path_.empty()) {
        sys::call.remove_file(sys::working_directory, path_.c_str());
    }
}

void registry_memory::sync(std::uint32_t number) noexcept {
    if (!file_.closed()) {
        sys::call.sync_map(&at(number).is, sizeof(slot::is));  // where that fails the disk is broken, or the file gone
    }
}

void registry_memory::label(std::string_view text) noexcept {
    text = text.substr(0, std::min(text.find('\0'), label_.size() - 1));
    label_.fill('\0');
    std::copy(text.begin(), text.end(), label_.begin());
}

// Who stands in it, under the name that was chosen.
sys::error registry_memory::owner(sys::process_identity& out) const noexcept {
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
void registry_memory::write_owner() noexcept {
    sys::process_identity who;
    if (owner(who) == 0) {
        auto* const head = static_cast<char*>(static_cast<void*>(pieces_[0].load()));
        std::memcpy(head + offsetof(header, owner), &who, sizeof who);
    }
}

sys::error registry_memory::assign(std::uint64_t pid) noexcept {
    sys::process_identity who;
    sys::error e = sys::call.this_process(who);
    const bool is_self = pid == who.pid;
    if (!is_self && e == 0) {
        constexpr std::uint64_t largest = std::numeric_limits<std::int32_t>::max();
        who.pid = pid;
        e = pid == 0 || pid > largest ? ESRCH : sys::call.start_time(pid, who.start);
    }
    if (e == 0) {
        owner_ = is_self ? std::nullopt : std::optional(who);
    }
    return e;
}

}  // namespace tempfile
