#include "tempfile/file_object.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "file_object.hpp"
#include "newline_buf.hpp"
#include "problem.hpp"

namespace tempfile {
namespace {

// What a stream stands on that has no file: it refuses everything, so that nothing is lost in silence. It has no state,
// so that all streams can share it.
class closed_buf final : public std::streambuf {
protected:
    int_type overflow(int_type) override { refuse(); }
    std::streamsize xsputn(const char*, std::streamsize) override { refuse(); }
    std::streamsize showmanyc() override { refuse(); }
    int_type underflow() override { refuse(); }
    std::streamsize xsgetn(char*, std::streamsize) override { refuse(); }
    int_type pbackfail(int_type) override { refuse(); }
    pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override { refuse(); }
    pos_type seekpos(pos_type, std::ios_base::openmode) override { refuse(); }
    int sync() override { refuse(); }

private:
    [[noreturn]] static void refuse() { raise("use a closed file", code_of(EBADF)); }
};

// What a buffer of any kind has ready for reading. Line by line instead of character by character is seven times as
// fast.
struct get_area : std::streambuf {
    static std::string_view of(const std::streambuf& buffer) {
        const char* const begin = (buffer.*&get_area::gptr)();
        return {begin, static_cast<std::size_t>((buffer.*&get_area::egptr)() - begin)};
    }
    static void skip(std::streambuf& buffer, std::size_t n) { (buffer.*&get_area::gbump)(static_cast<int>(n)); }
};

// Never destroyed: static objects may use it to the end.
std::streambuf* closed_stream() {
    static auto* const buffer = new closed_buf;
    return buffer;
}

}  // namespace

problem check_mode(std::ios_base::openmode mode, std::size_t buffering) {
    constexpr auto any = std::ios_base::in | std::ios_base::out | std::ios_base::app;
    if ((mode & any) == 0) {
        return bad_argument("the mode allows neither reading nor writing; add std::ios::in or std::ios::out");
    }
    constexpr std::size_t most = std::numeric_limits<int>::max();  // what a std::streambuf can count
    return buffering <= most ? no_problem()
                             : bad_argument("a buffer of " + std::to_string(buffering) +
                                            " bytes is too large; at most " + std::to_string(most) + " are allowed");
}

file_object::file_object() : std::iostream(closed_stream()) {
    exceptions(std::ios_base::badbit);
}

file_object::file_object(file f, const file_object_options& options) : file_object() {
    succeed(check_mode(options.mode, options.buffering));
    std::error_code not_seekable;
    const std::uint64_t offset = f.tell(not_seekable);
    open(std::make_unique<file_buf>(std::move(f), options.mode, options.buffering), options.newline);
    if (!not_seekable) {
        buffer_->seek(static_cast<std::int64_t>(offset), std::ios_base::beg);
    }
}

file_object::file_object(file_object&& other) noexcept
    : std::iostream(std::move(other)), buffer_(std::move(other.buffer_)), text_(std::move(other.text_)) {
    attach();
    other.attach();
}

file_object& file_object::operator=(file_object&& other) noexcept {
    if (this != &other) {
        file_object old(std::move(*this));  // closed at the end of this block
        swap(other);
    }
    return *this;
}

file_object::~file_object() = default;

void file_object::swap(file_object& other) noexcept {
    std::iostream::swap(other);
    buffer_.swap(other.buffer_);
    text_.swap(other.text_);
    attach();
    other.attach();
}

void file_object::open(std::unique_ptr<file_buf> buffer, newlines newline) {
    if (newline != newlines::raw) {
        text_ = std::make_unique<newline_buf>(*buffer, newline);
    }
    buffer_ = std::move(buffer);
    attach();
}

void file_object::attach() noexcept {
    set_rdbuf(text_ ? text_.get() : buffer_ ? static_cast<std::streambuf*>(buffer_.get()) : closed_stream());
}

file_buf& file_object::opened() const {
    if (closed()) {
        raise("use a closed file", code_of(EBADF));
    }
    return *buffer_;
}

// --- Reading ---

// Calls read(), which is made of several reads; when one of them fails, what the earlier ones took is given back. Not
// where line ends are translated: there the position is not known without translating anew.
template <class Read>
std::string file_object::all_or_nothing(Read read) {
    if (text_) {
        return read();
    }
    const std::uint64_t position = tell();
    try {
        return read();
    } catch (...) {
        opened().seek(static_cast<std::int64_t>(position), std::ios_base::beg);
        throw;
    }
}

std::string file_object::read() {
    return all_or_nothing([this] { return take_all(); });
}

std::string file_object::take_all() {
    const std::uint64_t length = size();
    const std::uint64_t position = tell();
    // The length tells how much to expect; the end of the file, which another process may have moved, tells when to
    // stop.
    std::string all = take(length > position ? static_cast<std::size_t>(length - position) : 0);
    while (!std::char_traits<char>::eq_int_type(rdbuf()->sgetc(), std::char_traits<char>::eof())) {
        all += take(default_buffering);
    }
    return all;
}

std::string file_object::read(std::size_t n) {
    return all_or_nothing([&] { return take_up_to(n); });
}

// No memory for what is not there: as much as the length promises, then in pieces to the end of the file, which may be
// elsewhere.
std::string file_object::take_up_to(std::size_t n) {
    if (n <= default_buffering) {
        return take(n);
    }
    const std::uint64_t length = size();
    const std::uint64_t position = tell();
    std::string text =
        take(static_cast<std::size_t>(std::min<std::uint64_t>(n, length > position ? length - position : 0)));
    while (text.size() < n) {
        const std::string more = take(std::min(n - text.size(), default_buffering));
        if (more.empty()) {
            break;
        }
        text += more;
    }
    return text;
}

std::string file_object::take(std::size_t n) {
    std::string text(n, '\0');
    text.resize(read(std::as_writable_bytes(std::span(text))));
    return text;
}

std::size_t file_object::read(std::span<std::byte> into) {
    return static_cast<std::size_t>(
        rdbuf()->sgetn(reinterpret_cast<char*>(into.data()), static_cast<std::streamsize>(into.size())));
}

std::string file_object::readline(std::size_t limit) {
    opened();
    return all_or_nothing([&] { return take_line(limit); });
}

std::string file_object::take_line(std::size_t limit) {
    using traits = std::char_traits<char>;
    std::string line;
    std::streambuf& from = *rdbuf();
    while (line.size() < limit && !traits::eq_int_type(from.sgetc(), traits::eof())) {
        const std::string_view here = get_area::of(from).substr(0, limit - line.size());
        const std::size_t newline = here.find('\n');
        const std::size_t n = newline == here.npos ? here.size() : newline + 1;
        line.append(here, 0, n);
        get_area::skip(from, n);
        if (newline != here.npos) {
            break;
        }
    }
    return line;
}

file_object::line_range file_object::lines() & {
    return line_range(*this);
}

// --- Writing ---

void file_object::write(std::string_view text) {
    rdbuf()->sputn(text.data(), static_cast<std::streamsize>(text.size()));
}

void file_object::write(std::span<const std::byte> bytes) {
    write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

file_object& file_object::write(const char* bytes, std::streamsize n) {
    write(std::string_view(bytes, static_cast<std::size_t>(std::max<std::streamsize>(n, 0))));
    return *this;
}

file_object& file_object::flush() {
    rdbuf()->pubsync();
    return *this;
}

// --- Position and length ---

std::uint64_t file_object::seek(std::int64_t offset, std::ios_base::seekdir from) {
    const auto position = rdbuf()->pubseekoff(offset, from);
    if (!bad()) {  // clearing one bit while badbit stands would throw for the old error once more
        clear();
    }
    return static_cast<std::uint64_t>(std::streamoff(position));
}

std::uint64_t file_object::tell() {
    return static_cast<std::uint64_t>(std::streamoff(rdbuf()->pubseekoff(0, std::ios_base::cur)));
}

std::uint64_t file_object::truncate() {
    return truncate(tell());
}

std::uint64_t file_object::truncate(std::uint64_t bytes) {
    file_buf& file = opened();
    rdbuf()->pubsync();
    file.truncate(bytes);
    return bytes;
}

std::uint64_t file_object::size() {
    return opened().size();
}

// --- The handle ---

bool file_object::closed() const noexcept {
    return !buffer_ || buffer_->closed();
}

file::native_handle_type file_object::fileno() {
    file& file = opened().underlying();
    rdbuf()->pubsync();
    buffer_->share();
    file.seek(static_cast<std::int64_t>(tell()));
    return file.native_handle();
}

file::native_handle_type file_object::native_handle() const noexcept {
    return buffer_ ? buffer_->native_handle() : -1;
}

file file_object::reopen() {
    const file& file = opened().underlying();
    rdbuf()->pubsync();
    tempfile::file second = file.reopen();
    buffer_->share();
    return second;
}

// --- The end ---

void file_object::close() {
    if (!closed()) {
        do_close();
    }
}

void file_object::do_close() {
    if (text_) {
        text_->pubsync();  // what it has read ahead must not outlive the file
    }
    buffer_->close();
}

void file_object::finish_writing() {
    file_buf& file = opened();
    if (file.lost()) {
        raise("publish: an earlier write failed, so that the file is not complete", file.lost());
    }
    if (bad()) {
        raise("publish: the stream is bad; clear() it when that does not matter", code_of(EIO));
    }
    rdbuf()->pubsync();
    file.flush();
}

void file_object::discard(std::error_code& ec) noexcept {
    ec.clear();
    if (buffer_) {
        buffer_->discard(ec);
        text_.reset();
        attach();
    }
}

void file_object::vanish() noexcept {
    std::error_code lost;
    if (buffer_ && !buffer_->shared()) {
        discard(lost);
    }
}

// --- The same without exceptions ---

std::string file_object::read(std::error_code& ec) {
    return capture(ec, [this] { return read(); });
}
std::string file_object::read(std::size_t n, std::error_code& ec) {
    return capture(ec, [&] { return read(n); });
}
std::size_t file_object::read(std::span<std::byte> into, std::error_code& ec) {
    return capture(ec, [&] { return read(into); });
}
std::string file_object::readline(std::size_t limit, std::error_code& ec) {
    return capture(ec, [&] { return readline(limit); });
}
std::string file_object::readline(std::error_code& ec) {
    return capture(ec, [this] { return readline(); });
}
void file_object::write(std::string_view text, std::error_code& ec) {
    capture(ec, [&] { write(text); });
}
void file_object::write(std::span<const std::byte> bytes, std::error_code& ec) {
    capture(ec, [&] { write(bytes); });
}
std::uint64_t file_object::seek(std::int64_t offset, std::ios_base::seekdir from, std::error_code& ec) {
    return capture(ec, [&] { return seek(offset, from); });
}
std::uint64_t file_object::seek(std::int64_t offset, std::error_code& ec) {
    return seek(offset, std::ios_base::beg, ec);
}
std::uint64_t file_object::tell(std::error_code& ec) {
    return capture(ec, [this] { return tell(); });
}
std::uint64_t file_object::truncate(std::error_code& ec) {
    return capture(ec, [this] { return truncate(); });
}
std::uint64_t file_object::truncate(std::uint64_t bytes, std::error_code& ec) {
    return capture(ec, [&] { return truncate(bytes); });
}
std::uint64_t file_object::size(std::error_code& ec) {
    return capture(ec, [this] { return size(); });
}
void file_object::close(std::error_code& ec) {
    capture(ec, [this] { close(); });
}
void file_object::flush(std::error_code& ec) {
    capture(ec, [this] { flush(); });
}
file::native_handle_type file_object::fileno(std::error_code& ec) {
    const auto handle = capture(ec, [this] { return fileno(); });
    return ec ? -1 : handle;
}
file file_object::reopen(std::error_code& ec) {
    return capture(ec, [this] { return reopen(); });
}

}  // namespace tempfile
