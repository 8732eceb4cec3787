#include "registry_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <span>
#include <vector>

#include "handle.hpp"
#include "tempfile/file.hpp"

namespace tempfile {
namespace {

using namespace registry_format;

// As much as can be read at `at`.
sys::error read_at(sys::handle h, std::uint64_t at, std::span<std::byte> into, std::size_t& total) noexcept {
    total = 0;
    while (total < into.size()) {
        std::size_t done = 0;
        if (const sys::error e = sys::call.pread(h, into.data() + total, into.size() - total, at + total, done)) {
            return e;
        }
        if (done == 0) {
            break;
        }
        total += done;
    }
    return 0;
}

// A slot as plain bytes: the one in the file may change at any moment.
struct raw_slot {
    state is;
    std::uint32_t next;
    std::uint32_t length;
    kind what;
    std::uint64_t created;
    std::uint64_t born;
    std::uint64_t device;
    std::uint64_t inode;
    std::uint64_t thread;
    std::uint64_t check;
    std::array<char, sizeof(slot::text)> text;
};
static_assert(sizeof(raw_slot) == sizeof(slot));

// An absolute path that names something in a directory, as the library makes them.
bool is_ours_to_name(std::string_view path) noexcept {
    const std::size_t last = path.rfind('/');
    if (last == path.npos || path.front() != '/' || path.find('\0') != path.npos) {
        return false;
    }
    const std::string_view name = path.substr(last + 1);
    return !name.empty() && name != "." && name != "..";
}

// Reads the path that begins in `head`; false when it makes no sense.
bool gather(sys::handle h, const raw_slot& head, std::string& path) {
    std::size_t rest = head.length;
    if (rest > longest_path) {
        return false;
    }
    for (raw_slot s = head;;) {
        const std::size_t here = std::min(rest, s.text.size());
        path.append(s.text.data(), here);
        rest -= here;
        if (rest == 0) {
            return is_ours_to_name(path) && checksum(path, head.what) == head.check;
        }
        std::size_t got = 0;
        if (s.next < first_slot || read_at(h, offset_of(s.next), std::as_writable_bytes(std::span(&s, 1)), got) != 0 ||
            got != sizeof s || s.is != state::claimed) {
            return false;
        }
    }
}

// A record, whether it makes sense or not; false for a slot in which none begins.
bool read_slot(sys::handle h, std::uint32_t number, const raw_slot& s, registry_record& out, bool& sound) {
    if (s.is != state::live && s.is != state::removing) {
        return false;
    }
    out = {.number = number,
           .what = s.what,
           .created = s.created,
           .thread = s.thread,
           .id = {.device = s.device, .inode = s.inode},
           .born = s.born,
           .path = {}};
    sound = (s.what == kind::file || s.what == kind::directory) && gather(h, s, out.path);
    return true;
}

}  // namespace

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

sys::error read_header(sys::handle h, header& head) noexcept {
    std::size_t got = 0;
    if (const sys::error e = read_at(h, 0, std::as_writable_bytes(std::span(&head, 1)), got)) {
        return e;
    }
    if (got < sizeof head || head.magic != magic) {
        return EINVAL;
    }
    if (head.version != version) {
        return ENOTSUP;
    }
    const auto ends = [](const auto& text) { return std::find(text.begin(), text.end(), '\0') != text.end(); };
    const bool makes_sense =
        head.slot_bytes == sizeof(slot) && ends(head.owner.boot) && ends(head.owner.host) && ends(head.owner.program);
    return makes_sense ? 0 : EINVAL;
}

sys::error visit_records(sys::handle h, const std::function<bool()>& go_on,
                         const std::function<bool(const registry_record*)>& visit) {
    std::vector<raw_slot> piece(first_slots);
    registry_record record;
    for (std::uint32_t first = 0; first < first_in_piece(most_pieces) && go_on(); first += first_slots) {
        std::size_t got = 0;
        if (const sys::error e = read_at(h, offset_of(first), std::as_writable_bytes(std::span(piece)), got)) {
            return e;
        }
        const auto slots = static_cast<std::uint32_t>(got / sizeof(slot));
        for (std::uint32_t i = first == 0 ? first_slot : 0; i < slots; ++i) {
            bool sound = false;
            if (read_slot(h, first + i, piece[i], record, sound) && !visit(sound ? &record : nullptr)) {
                return 0;
            }
        }
        if (slots < first_slots) {
            break;
        }
    }
    return 0;
}

sys::error forget_record(sys::handle h, std::uint32_t number) noexcept {
    const state gone = state::free;
    std::size_t done = 0;
    return sys::call.pwrite(h, &gone, sizeof gone, offset_of(number), done);
}

sys::error note_failure(sys::handle h, std::uint64_t when) noexcept {
    std::size_t done = 0;
    return sys::call.pwrite(h, &when, sizeof when, offsetof(header, failed), done);
}

}  // namespace tempfile
