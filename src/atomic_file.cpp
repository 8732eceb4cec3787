#include "atomic_file.hpp"

#include <cerrno>
#include <utility>

#include "create.hpp"
#include "file_object.hpp"
#include "sweep.hpp"

namespace tempfile {
namespace {

// As early as can be; where it cannot be reserved, writing will tell, and so soon, when it is little, that it is not
// worth a call.
problem reserve(sys::handle h, std::uint64_t bytes, const std::string& target, std::uint64_t& reserved) {
    constexpr std::uint64_t little = std::uint64_t{1} << 20;
    if (bytes < little) {
        return no_problem();
    }
    reserved = bytes;
    const sys::error e = sys::call.reserve(h, bytes);
    return e == ENOSPC || e == EDQUOT || e == EFBIG
               ? system_problem("there is no room for " + std::to_string(bytes) + " bytes", target, e)
               : no_problem();
}

}  // namespace

problem atomic_file::make(const std::filesystem::path& target, const persist_options& rules,
                          const atomic_file_options& options, const atomic_file* neighbour) {
    constexpr auto mode = std::ios_base::in | std::ios_base::out;
    if (problem p = check_mode(mode, options.buffering)) {
        return p;
    }
    auto made = std::make_unique<state>();
    made->rules = rules;
    const publish_target* const near =
        neighbour == nullptr || !neighbour->state_ ? nullptr : &neighbour->state_->target;
    if (problem p = resolve_target(target, rules.symlink, made->target, target_kind::file, near)) {
        return p;
    }
    problem p = check_existing(made->target, made->target.existing, rules.existing);
    if (p) {
        return p;
    }
    open(std::make_unique<file_buf>(file(), mode, options.buffering), options.newline);
    file& handle = buffer()->underlying();
    p = stage(made->target, made->rules, handle, made->name);
    if (p) {
        return p;
    }
    state_ = std::move(made);
    if (!state_->name.can_be_linked) {
        sweep_once();
    }
    p = reserve(handle.native_handle(), options.expected_size, state_->target.path(), state_->reserved);
    if (p) {
        cancel();
    }
    return p;
}

atomic_file::atomic_file(const std::filesystem::path& target, const persist_options& rules,
                         const atomic_file_options& options)
    : atomic_file(target, rules, options, nullptr) {}

atomic_file::atomic_file(const std::filesystem::path& target, const persist_options& rules,
                         const atomic_file_options& options, const atomic_file* neighbour) {
    succeed(make(target, rules, options, neighbour));
}

atomic_file::atomic_file(const std::filesystem::path& target, const persist_options& rules,
                         const atomic_file_options& options, std::error_code& ec) {
    ec = make(target, rules, options, nullptr).code();
}

atomic_file::atomic_file(atomic_file&& other) noexcept
    : file_object(std::move(other)), state_(std::move(other.state_)) {}

atomic_file& atomic_file::operator=(atomic_file&& other) noexcept {
    atomic_file(std::move(other)).swap(*this);
    return *this;
}

atomic_file::~atomic_file() {
    cancel();
}

void atomic_file::swap(atomic_file& other) noexcept {
    file_object::swap(other);
    state_.swap(other.state_);
}

std::filesystem::path atomic_file::path() const {
    return state_ ? std::filesystem::path(state_->target.path()) : std::filesystem::path();
}

// The room that was not needed goes back.
void atomic_file::write_all_and_no_more() {
    finish_writing();
    const std::uint64_t length = state_->reserved == 0 ? 0 : size();
    if (state_->reserved > length) {
        buffer()->underlying().truncate(length);
    }
}

problem atomic_file::publish_now(persisted& result) {
    opened();
    if (problem p = check_ownership(state_->name.owner, state_->target.path())) {
        return p;
    }
    write_all_and_no_more();
    problem p = publish(*buffer(), state_->name, state_->target, state_->rules, result);
    if (!result.path.empty()) {
        std::error_code too_late;  // everything was written, and network file systems were asked before
        discard(too_late);
    }
    return p;
}

persisted atomic_file::commit() {
    persisted result;
    const problem p = publish_now(result);
    return succeed(p, std::move(result));
}

persisted atomic_file::commit(std::error_code& ec) {
    return capture_result(ec, [this](persisted& result) { return publish_now(result); });
}

void atomic_file::cancel() noexcept {
    std::error_code vanishes_anyway;
    if (state_) {
        state_->name.remove();
    }
    discard(vanishes_anyway);
}

void atomic_file::do_close() {
    flush();
    cancel();
}

// --- In one call ---

persisted write_file(const std::filesystem::path& target, std::string_view text, const persist_options& rules) {
    atomic_file whole(target, rules, {.expected_size = text.size(), .buffering = 0});
    whole.write(text);
    return whole.commit();
}

persisted write_file(const std::filesystem::path& target, std::span<const std::byte> bytes,
                     const persist_options& rules) {
    return write_file(target, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), rules);
}

persisted write_file(const std::filesystem::path& target, std::string_view text, const persist_options& rules,
                     std::error_code& ec) {
    atomic_file whole(target, rules, {.expected_size = text.size(), .buffering = 0}, ec);
    if (!ec) {
        whole.write(text, ec);
    }
    return ec ? persisted{} : whole.commit(ec);
}

persisted write_file(const std::filesystem::path& target, std::span<const std::byte> bytes,
                     const persist_options& rules, std::error_code& ec) {
    return write_file(target, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), rules, ec);
}

}  // namespace tempfile
