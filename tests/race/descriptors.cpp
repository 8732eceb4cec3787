// Descriptor numbers are reused at once by other threads: whoever closes one twice closes a stranger's.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <tempfile/tempfile.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "race/threads.hpp"
#include "support/in_memory.hpp"
#include "support/replace_call.hpp"
#include "support/scratch.hpp"

namespace {

using namespace tempfile;
using tempfile::test::in_memory;
using tempfile::test::in_threads;
using tempfile::test::replace_call;
using tempfile::test::scratch;

// Opens and closes descriptors of its own without end, and counts those that were not what it had opened any more.
class neighbour {
public:
    neighbour() : thread_([this] { run(); }) {}
    ~neighbour() { stop(); }
    neighbour(const neighbour&) = delete;
    neighbour& operator=(const neighbour&) = delete;

    // How many were lost, how many were used.
    std::pair<std::size_t, std::size_t> stop() {
        over_ = true;
        if (thread_.joinable()) {
            thread_.join();
        }
        return {lost_, used_};
    }

private:
    void run() {
        while (!over_) {
            std::array<int, 8> mine{};
            for (int& h : mine) {
                h = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
            }
            std::this_thread::yield();
            for (const int h : mine) {
                struct stat is {};
                const bool still_ours = ::fstat(h, &is) == 0 && S_ISCHR(is.st_mode);
                lost_ += still_ours && ::close(h) == 0 ? 0U : 1U;
                ++used_;
            }
        }
    }

    std::atomic<bool> over_{false};
    std::size_t lost_ = 0;
    std::size_t used_ = 0;
    std::thread thread_;
};

void make_and_close_everything(const std::filesystem::path& dir) {
    std::error_code ec;
    temporary_file closed({.dir = dir});
    closed << "text";
    closed.close(ec);
    closed.close(ec);
    const temporary_file left_to_the_destructor({.dir = dir});
    named_temporary_file named({.dir = dir});
    named_temporary_file moved(std::move(named));
    named = std::move(moved);
    named.cleanup(ec);
    spooled_temporary_file spooled({.max_size = 0, .dir = dir});
    spooled << "text";
    file again = spooled.reopen(ec);
    again.close(ec);
    file_object over(mkstemp({.dir = dir}).file);
    over = file_object(mkstemp({.dir = dir}).file);
    file plain = mkstemp({.dir = dir}).file;
    const file released(plain.release());
    temporary_directory tree({.dir = dir});
    std::ofstream(tree / "file").put('x');
    std::filesystem::create_directories(tree / "1/2/3/4/5/6/7");
    tree.cleanup(ec);
    tree.cleanup(ec);
}

class descriptors_in_threads : public testing::Test {
protected:
    // Everything is made and closed in some threads; the neighbours must not lose anything.
    void expect_no_losses() {
        std::array<neighbour, 2> neighbours;
        in_threads(3, [&](std::size_t) {
            for (int n = 0; n < 300; ++n) {
                try {
                    make_and_close_everything(dir.path());
                } catch (const std::system_error&) {  // where calls are made to fail
                }
            }
        });
        for (neighbour& n : neighbours) {
            const auto [lost, used] = n.stop();
            EXPECT_EQ(lost, 0U);
            EXPECT_GT(used, 0U);
        }
    }

    scratch dir{in_memory()};
};

TEST_F(descriptors_in_threads, T4_nobody_loses_one) {
    expect_no_losses();
}

TEST_F(descriptors_in_threads, T4_T20_also_when_close_reports_an_error) {
    const replace_call<&sys::calls::close> broken([](sys::handle h) {
        replace_call<&sys::calls::close>::real(h);
        return EIO;
    });
    expect_no_losses();
}

// Every third call of these fails, in whichever thread.
TEST_F(descriptors_in_threads, T4_also_when_making_fails) {
    std::atomic<unsigned> calls{0};
    const auto third = [&] { return calls.fetch_add(1) % 3 == 2; };
    const replace_call<&sys::calls::create_unnamed> unnamed([&](auto... arguments) {
        return third() ? EISDIR : replace_call<&sys::calls::create_unnamed>::real(arguments...);
    });
    const replace_call<&sys::calls::create_file> named([&](const char* name, bool append, sys::handle& made) {
        return third() ? EMFILE : replace_call<&sys::calls::create_file>::real(name, append, made);
    });
    const replace_call<&sys::calls::open_directory> opened([&](sys::handle at, const char* name, sys::handle& made) {
        return third() ? EMFILE : replace_call<&sys::calls::open_directory>::real(at, name, made);
    });
    const replace_call<&sys::calls::reopen> reopened([&](sys::handle of, sys::handle& made) {
        return third() ? EMFILE : replace_call<&sys::calls::reopen>::real(of, made);
    });
    const replace_call<&sys::calls::stat> looked_at([&](sys::handle of, sys::metadata& out) {
        return third() ? EIO : replace_call<&sys::calls::stat>::real(of, out);
    });
    expect_no_losses();
}

}  // namespace
