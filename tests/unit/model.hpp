// A file as the documentation tells it, bytes and a position, and a long random walk that does everything to a file
// object and to the model, and wants the same answers.

#pragma once

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>
#include <string>

#include "helpers.hpp"
#include "tempfile/file_object.hpp"

namespace tempfile::test {

class model {
public:
    model(bool append, newlines newline) : append_(append), newline_(newline) {}

    [[nodiscard]] const std::string& bytes() const { return bytes_; }
    [[nodiscard]] std::size_t position() const { return position_; }
    void seek(std::size_t position) { position_ = position; }
    void truncate(std::size_t length) { bytes_.resize(length); }

    void write(const std::string& text) {
        if (!text.empty()) {
            position_ = append_ ? bytes_.size() : position_;
            position_ += put(position_, translated(text));
        }
    }
    // As another process does, so without translation.
    std::size_t put(std::size_t at, const std::string& raw) {
        bytes_.resize(std::max(bytes_.size(), at + raw.size()));
        bytes_.replace(at, raw.size(), raw);
        return raw.size();
    }

    std::string read(std::size_t characters) {
        std::string text;
        while (text.size() < characters && position_ < bytes_.size()) {
            text += next();
        }
        return text;
    }
    std::string readline(std::size_t limit) {
        std::string line;
        while (line.size() < limit && position_ < bytes_.size()) {
            line += next();
            if (line.back() == '\n') {
                break;
            }
        }
        return line;
    }

private:
    char next() {
        const char c = bytes_[position_++];
        const bool pair = c == '\r' && position_ < bytes_.size() && bytes_[position_] == '\n';
        if (pair && (newline_ == newlines::universal || newline_ == newlines::crlf)) {
            ++position_;
            return '\n';
        }
        return c == '\r' && (newline_ == newlines::universal || newline_ == newlines::cr) ? '\n' : c;
    }
    [[nodiscard]] std::string translated(const std::string& text) const {
        std::string raw;
        for (const char c : text) {
            if (c == '\n' && (newline_ == newlines::crlf || newline_ == newlines::cr)) {
                raw += newline_ == newlines::crlf ? "\r\n" : "\r";
            } else {
                raw += c;
            }
        }
        return raw;
    }

    bool append_;
    newlines newline_;
    std::string bytes_;
    std::size_t position_ = 0;
};

// Makes calls to the disk short, and now and then fail before they do anything.
class unreliable_disk {
public:
    explicit unreliable_disk(unsigned seed) : random_(seed) {}

private:
    using write_call = replace_call<&sys::calls::write>;
    using pwrite_call = replace_call<&sys::calls::pwrite>;
    using pread_call = replace_call<&sys::calls::pread>;
    using create_call = replace_call<&sys::calls::create_unnamed>;

    template <class Call>
    sys::error perhaps(sys::error failure, std::size_t bytes, Call call) {
        return random_() % 4 == 0 ? failure : call(bytes == 0 ? 0 : 1 + random_() % bytes);
    }

    std::mt19937 random_;
    write_call write_{[this](sys::handle h, const void* from, std::size_t bytes, std::size_t& done) {
        return perhaps(ENOSPC, bytes, [&](std::size_t n) { return write_call::real(h, from, n, done); });
    }};
    pwrite_call pwrite_{
        [this](sys::handle h, const void* from, std::size_t bytes, std::uint64_t at, std::size_t& done) {
            return perhaps(ENOSPC, bytes, [&](std::size_t n) { return pwrite_call::real(h, from, n, at, done); });
        }};
    pread_call pread_{[this](sys::handle h, void* into, std::size_t bytes, std::uint64_t at, std::size_t& done) {
        return perhaps(EIO, bytes, [&](std::size_t n) { return pread_call::real(h, into, n, at, done); });
    }};
    create_call create_{[this](const char* dir, bool append, sys::handle& made) {
        return perhaps(ENOSPC, 0, [&](std::size_t) { return create_call::real(dir, append, made); });
    }};
};

struct walk_options {
    unsigned seed = 1;
    int steps = 2000;
    std::size_t longest = 100;  // bytes of a piece
    bool append = false;
    newlines newline = newlines::raw;
    bool unreliable = false;     // the disk; then pieces must be shorter than the buffer
    bool others_change = false;  // the file, now and then
};

template <class Object>
class walk {
public:
    walk(Object& object, const walk_options& options)
        : object_(object), options_(options), random_(options.seed), model_(options.append, options.newline) {
        if (options.unreliable) {
            disk_ = std::make_unique<unreliable_disk>(options.seed);
        }
    }

    void run() {
        for (step_ = 0; step_ < options_.steps && !testing::Test::HasFailure(); ++step_) {
            step();
            same("tell", object_.tell(), model_.position());
        }
        disk_.reset();
        object_.seek(0);
        model_.seek(0);
        same("everything", object_.read(), model_.read(model_.bytes().size()));
        const int handle = object_.fileno();
        same("the file itself", contents(handle), model_.bytes());
        same("its offset", static_cast<std::size_t>(::lseek(handle, 0, SEEK_CUR)), model_.position());
    }

private:
    std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }
    // Short ones are as frequent as long ones.
    std::size_t length() { return below(1 + (options_.longest >> below(10))); }
    std::size_t place() { return below(model_.bytes().size() + 1 + (below(8) == 0 ? length() : 0)); }

    std::string text() {
        static constexpr char letters[] = "abcdefgh0123 \r\n\r\n";
        std::string t(length(), '\0');
        for (char& c : t) {
            c = letters[below(sizeof letters - 1)];
        }
        return t;
    }

    template <class T, class U>
    void same(const char* what, const T& got, const U& wanted) {
        if (!(got == wanted)) {
            ADD_FAILURE() << what << " differs at step " << step_ << " with seed " << options_.seed
                          << ", longest piece " << options_.longest << ", append " << options_.append << ", newline "
                          << static_cast<int>(options_.newline) << "\n  got    "
                          << testing::PrintToString(got).substr(0, 300) << "\n  wanted "
                          << testing::PrintToString(wanted).substr(0, 300);
        }
    }

    // Until it succeeds; a failure must leave the position where it was.
    template <class F>
    void attempt(F operation) {
        for (int tries = 0; tries < 1000; ++tries) {
            if (!thrown(operation)) {
                return;
            }
            same("tell after a failure", object_.tell(), model_.position());
        }
        ADD_FAILURE() << "1000 failures in a row at step " << step_;
    }

    void step() {
        static constexpr std::array<void (walk::*)(), 14> steps{
            &walk::write,     &walk::write, &walk::insert, &walk::put,      &walk::read,  &walk::read, &walk::readline,
            &walk::get_unget, &walk::seek,  &walk::seek,   &walk::truncate, &walk::flush, &walk::size, &walk::others};
        (this->*steps[below(steps.size())])();
        if (model_.bytes().size() > 20 * options_.longest) {
            shorten(length());
        }
    }

    void write() {
        const std::string t = text();
        attempt([&] { object_.write(t); });
        model_.write(t);
    }
    void insert() {
        const std::string t = text();
        attempt([&] {
            object_.clear();
            object_ << t;
        });
        object_.clear();
        model_.write(t);
    }
    void put() {
        const std::string t(1, below(2) == 0 ? '\n' : 'p');
        attempt([&] {
            object_.clear();
            object_.put(t.front());
        });
        object_.clear();
        model_.write(t);
    }
    void read() {
        if (below(20) == 0 && !options_.unreliable) {
            return same("read()", object_.read(), model_.read(model_.bytes().size()));
        }
        const std::size_t n = length();
        std::string got;
        attempt([&] { got = object_.read(n); });
        same("read(n)", got, model_.read(n));
    }
    void readline() {
        if (!options_.unreliable) {
            const std::size_t limit = below(2) == 0 ? length() : ~std::size_t{0};
            same("readline", object_.readline(limit), model_.readline(limit));
        }
    }
    void get_unget() {
        const std::size_t before = model_.position();
        const std::string wanted = model_.read(1);
        const int expected = wanted.empty() ? EOF : static_cast<unsigned char>(wanted.front());
        model_.seek(before);
        int got = 0;
        attempt([&] { got = object_.rdbuf()->sgetc(); });
        same("sgetc", got, expected);
        if (expected != EOF) {
            same("sbumpc", object_.rdbuf()->sbumpc(), expected);
            same("sputbackc", object_.rdbuf()->sputbackc(wanted.front()), expected);
        }
    }
    void seek() {
        const auto size = static_cast<std::int64_t>(model_.bytes().size());
        const auto position = static_cast<std::int64_t>(model_.position());
        const auto target = static_cast<std::int64_t>(place());
        const std::size_t way = below(3);
        const std::uint64_t now = way == 0   ? object_.seek(target)
                                  : way == 1 ? object_.seek(target - position, std::ios::cur)
                                             : object_.seek(target - size, std::ios::end);
        model_.seek(static_cast<std::size_t>(target));
        same("seek", now, model_.position());
    }
    void truncate() {
        if (below(3) == 0) {
            attempt([&] { object_.truncate(); });
            model_.truncate(model_.position());
        } else {
            shorten(place());
        }
    }
    void shorten(std::size_t n) {
        attempt([&] { object_.truncate(n); });
        model_.truncate(n);
    }
    void flush() {
        attempt([&] { object_.flush(); });
    }
    void size() { same("size", object_.size(), model_.bytes().size()); }

    // Changes what is there, or appends: seen after a flush, and after a seek.
    void others() {
        if (!options_.others_change || below(4) != 0) {
            return;
        }
        object_.flush();
        file other = object_.reopen();
        const bool read_ahead = below(2) == 0;
        if (read_ahead) {
            read();
        }
        const std::size_t at = below(model_.bytes().size() + 1);
        const std::string t = text();
        other.pwrite(t, at);
        model_.put(at, t);
        if (read_ahead) {
            object_.seek(static_cast<std::int64_t>(model_.position()));
        }
    }

    Object& object_;
    walk_options options_;
    std::mt19937 random_;
    model model_;
    std::unique_ptr<unreliable_disk> disk_;
    int step_ = 0;
};

}  // namespace tempfile::test
