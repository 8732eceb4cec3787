// Every call that the library makes of the system is made to fail, one after the other, with each error that call is
// known for: first once, then from there on. Whatever happens, no descriptor is lost, nothing stays in the directory
// unless it could not be removed, and an error is reported as what it was.

#include <dirent.h>
#include <gtest/gtest.h>
#include <tempfile/tempfile.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/descriptors.hpp"
#include "support/every_call.hpp"
#include "support/in_memory.hpp"
#include "support/large_directories.hpp"
#include "support/replace_call.hpp"
#include "support/scratch.hpp"

namespace {

using namespace tempfile;
using tempfile::test::every_call;
using tempfile::test::in_memory;
using tempfile::test::large_directories;
using tempfile::test::open_descriptors;
using tempfile::test::replace_call;
using tempfile::test::scratch;
using path = std::filesystem::path;

// --- What is done with each kind of object; a wrong answer throws std::logic_error ---

void must(bool holds, const char* what) {
    if (!holds) {
        throw std::logic_error(what);
    }
}

void use_stream(file_object& fp) {
    const std::string large(100'000, 'l');
    fp << "small";
    fp.write(large);
    fp.seek(0);
    must(fp.read() == "small" + large, "what was written is not read back");
    fp.truncate(5);
    must(fp.size() == 5, "truncate");
    file again = fp.reopen();
    std::array<char, 8> into{};
    must(again.read(std::as_writable_bytes(std::span(into))) == 5, "reopen");
    again.close();
    must(fp.fileno() >= sys::first_free_handle, "fileno");
    fp << "!";
    fp.flush();
}

void unnamed(const path& dir) {
    temporary_file fp({.dir = dir});
    use_stream(fp);
    fp.close();
}

void unnamed_by_unlinking(const path& dir) {
    const replace_call<&sys::calls::create_unnamed> old_kernel([](auto...) { return EOPNOTSUPP; });
    unnamed(dir);
}

void unnamed_appending(const path& dir) {
    temporary_file fp({.dir = dir, .mode = std::ios::in | std::ios::app});
    fp << "one";
    fp.seek(0);
    fp << "two";
    fp.seek(0);
    must(fp.read() == "onetwo", "appending");
    fp.close();
}

void named(const path& dir) {
    named_temporary_file fp({.dir = dir});
    use_stream(fp);
    fp.close();
}

void named_until_cleanup(const path& dir) {
    named_temporary_file fp({.dir = dir, .deletion = delete_when::destroyed});
    use_stream(fp);
    fp.close();
    must(std::filesystem::exists(fp.path()), "it stays when closed");
    fp.cleanup();
}

void named_text(const path& dir) {
    named_temporary_file fp({.dir = dir, .newline = newlines::crlf});
    fp << "a\nb\n";
    fp.seek(0);
    must(fp.readline() == "a\n", "line ends");
    fp.close();
}

void spooled(const path& dir) {
    spooled_temporary_file fp({.max_size = 100, .dir = dir});
    use_stream(fp);
    must(fp.rolled(), "it rolled over");
    fp.close();
}

void plant_tree(const path& root) {
    path deep = root;
    for (const char* name : {"1", "2", "3", "4", "5", "6", "7"}) {
        deep /= name;
        std::filesystem::create_directories(deep / "empty");
        std::ofstream(deep / "file").put('x');
        std::filesystem::create_symlink("file", deep / "link");
    }
}

void directory(const path& dir) {
    temporary_directory tree({.dir = dir});
    plant_tree(tree.path());
    tree.cleanup();
}

void removed_tree(const path& dir) {
    struct remover {  // what an error leaves is the caller's
        path name;
        ~remover() { std::filesystem::remove_all(name); }
    } const at_end{dir / "tree"};
    plant_tree(dir / "tree");
    remove_tree(dir / "tree", {.threads = 1});
}

void removed_tree_large(const path& dir) {
    const large_directories all;
    removed_tree(dir);
}

void empty_directory(const path& dir) {
    temporary_directory tree({.dir = dir});
    tree.cleanup();
}

void directory_without_kinds(const path& dir) {
    const replace_call<&sys::calls::list> no_kinds([](sys::handle h, void* buffer, std::size_t& used) {
        const sys::error e = replace_call<&sys::calls::list>::real(h, buffer, used);
        for (std::size_t at = 0; e == 0 && at < used;) {
            auto* entry = reinterpret_cast<dirent64*>(static_cast<char*>(buffer) + at);
            entry->d_type = DT_UNKNOWN;
            at += entry->d_reclen;
        }
        return e;
    });
    directory(dir);
}

void plain_handle(const path& dir) {
    auto [f, name] = mkstemp({.dir = dir});
    struct remover {  // the caller's duty
        path name;
        ~remover() { std::filesystem::remove(name); }
    } const at_end{name};
    f.write("0123456789");
    f.pwrite("AB", 3);
    f.allocate(20);
    f.truncate(10);
    f.sync();
    must(f.tell() == 10 && f.size() == 10 && f.seek(0) == 0, "position and size");
    std::array<std::byte, 4> first{};
    std::array<std::byte, 8> second{};
    const std::array<std::span<std::byte>, 2> in{{first, second}};
    must(f.readv(in) == 10 && f.preadv(in, 2) == 8, "pieces in");
    const std::array<std::span<const std::byte>, 2> out{{first, second}};
    f.writev(out);
    f.pwritev(out, 0);
    must(f.pread(second, 0) == 8 && f.read(second) == 0, "reading");
    f.reopen().close();
    f.close();
}

void bare_directory(const path& dir) {
    std::filesystem::remove(mkdtemp({.dir = dir}));
}

// --- What can go wrong ---

const std::map<std::string_view, std::vector<int>>& plausible_errors() {
    static const std::map<std::string_view, std::vector<int>> errors = {
        {"create_unnamed", {ENOENT, EISDIR, EOPNOTSUPP, EINVAL, ENOSYS, EACCES, EMFILE, ENOSPC, EROFS, EIO, EPERM}},
        {"create_file", {EEXIST, EACCES, EDQUOT, EMFILE, ENFILE, ENOSPC, EROFS, EIO, ENAMETOOLONG, ENOMEM}},
        {"remove_file", {EACCES, EBUSY, EIO, EPERM, EROFS, ENOMEM}},
        {"reopen", {EACCES, ENOENT, EMFILE, EIO}},
        {"duplicate", {EMFILE}},
        {"close", {EIO, ENOSPC, EDQUOT}},
        {"read", {EIO}},
        {"write", {ENOSPC, EDQUOT, EFBIG, EIO}},
        {"pread", {EIO, ENOMEM}},
        {"pwrite", {ENOSPC, EDQUOT, EFBIG, EIO}},
        {"readv", {EIO}},
        {"writev", {ENOSPC, EIO}},
        {"preadv", {EIO}},
        {"pwritev", {ENOSPC, EIO}},
        {"seek", {EINVAL, EOVERFLOW}},
        {"truncate", {EFBIG, EIO, EPERM}},
        {"allocate", {ENOSPC, EOPNOTSUPP}},
        {"sync", {EIO, ENOSPC, EDQUOT}},
        {"stat", {EIO, ENOMEM}},
        {"set_permissions", {EPERM, EROFS}},
        {"create_directory", {EEXIST, EACCES, EDQUOT, EMLINK, ENOSPC, EROFS, EIO}},
        {"open_directory", {EACCES, EMFILE, ENFILE, EIO, ENOMEM}},
        {"open_path", {EMFILE, EIO}},
        {"set_path_permissions", {EPERM, EROFS}},
        {"remove_directory", {EACCES, EBUSY, EIO, EPERM, EROFS, ENOTEMPTY}},
        {"stat_at", {EACCES, EIO}},
        {"list", {EIO, ENOMEM}},
        {"rewind", {EINVAL}},
        {"file_system_of", {EIO}},
        {"random", {EAGAIN, ENOSYS, EPERM}},
        {"random_device", {ENOENT, EMFILE}},
        {"current_directory", {ENOENT, ENOMEM}},
    };
    return errors;
}

struct scenario {
    const char* name;
    void (*run)(const path& dir);
};

std::ostream& operator<<(std::ostream& out, const scenario& s) {
    return out << s.name;
}

struct failure {
    std::string_view entry;
    int error = 0;
};

// Failures after which the operation may go on by another way, with the reason.
bool has_another_way(const failure& f, std::string_view scenario) {
    static const std::set<int> no_unnamed_files = {ENOENT, EISDIR, EOPNOTSUPP, EINVAL, ENOSYS};
    const bool removes_directories =
        scenario.find("directory") != scenario.npos || scenario.starts_with("removed_tree");
    return (f.entry == "create_unnamed" && no_unnamed_files.contains(f.error)) ||  // O_TMPFILE: create and unlink
           ((f.entry == "create_file" || f.entry == "create_directory") && f.error == EEXIST) ||  // another name
           f.entry == "random" ||                                                                 // the device
           (f.entry == "close" && removes_directories) ||           // the close of a directory tells nothing
           (f.entry == "open_directory" && f.error == EACCES) ||    // its mode is changed, and it is tried again
           (f.entry == "open_directory" && removes_directories) ||  // ".." by the way down
           (f.entry == "stat" && removes_directories) ||            // likewise
           f.entry == "file_system_of" ||                           // in the order of the list
           (f.entry == "open_path" && removes_directories) ||       // the working directory by its name
           (f.entry == "remove_file" && f.error == EBUSY && removes_directories) ||  // it may pass
           (f.entry == "remove_directory");  // as if empty; then it is emptied and tried again
}

// --- The driver ---

struct outcome {
    failure injected;      // empty when the scenario made fewer calls
    std::error_code code;  // what it reported
    path blamed;           // and about which path
    std::string wrong;     // what it did wrong besides
};

enum class lasting { once, from_there_on };

// Runs the scenario with call number `n` failing, by the error number `which` of that call's list.
outcome run(const scenario& s, const path& dir, std::size_t n, std::size_t which, lasting how) {
    outcome result;
    std::size_t calls = 0;
    const replace_call<&sys::calls::pause> impatient([](auto) {});
    const every_call gate([&](std::string_view entry) {
        if (++calls == n) {
            const auto known = plausible_errors().find(entry);
            if (known != plausible_errors().end() && which < known->second.size()) {
                result.injected = {known->first, known->second[which]};
                return result.injected.error;
            }
        }
        const bool again = how == lasting::from_there_on && entry == result.injected.entry;
        return again ? result.injected.error : 0;
    });
    try {
        s.run(dir);
    } catch (const std::filesystem::filesystem_error& e) {
        result.code = e.code();
        result.blamed = e.path1();
    } catch (const std::system_error& e) {
        result.code = e.code();
    } catch (const std::exception& e) {
        result.wrong = e.what();
    }
    if (calls < n) {
        result.injected = {"the end", 0};
    }
    return result;
}

void check(const scenario& s, const scratch& dir, const outcome& result, lasting how) {
    EXPECT_EQ(result.wrong, "");
    if (result.code) {
        EXPECT_EQ(result.code, std::error_code(result.injected.error, std::system_category()));
    } else if (how == lasting::once) {
        EXPECT_TRUE(has_another_way(result.injected, s.name)) << "the error is lost";
    }
    // The destructor tries again, so that a single failure leaves nothing; but the name of a file that should have none
    // belongs to no object.
    for (const std::string& left : dir.names()) {
        EXPECT_TRUE(how == lasting::from_there_on || dir / left == result.blamed)
            << left << " stays behind, and is not named";
        EXPECT_TRUE(result.code) << left << " stays behind, and nothing is reported";
        std::filesystem::remove_all(dir / left);
    }
}

class any_call_fails : public testing::TestWithParam<scenario> {
protected:
    void step_through(lasting how);
};

void any_call_fails::step_through(lasting how) {
    const scratch dir(in_memory());
    GetParam().run(dir.path());  // what happens only the first time in a process has happened
    const auto before = open_descriptors();
    std::size_t injected = 0;
    bool at_end = false;
    for (std::size_t n = 1; !at_end; ++n) {
        ASSERT_LT(n, 10'000U) << "the scenario does not end";
        for (std::size_t which = 0; !at_end; ++which) {
            const outcome result = run(GetParam(), dir.path(), n, which, how);
            SCOPED_TRACE("call " + std::to_string(n) + ", " + std::string(result.injected.entry) + ": " +
                         std::strerror(result.injected.error));
            ASSERT_EQ(open_descriptors(), before);
            if (result.injected.error == 0) {
                ASSERT_EQ(result.code, std::error_code());
                at_end = result.injected.entry == "the end";
                break;
            }
            ++injected;
            check(GetParam(), dir, result, how);
        }
    }
    EXPECT_GE(injected, 6U);
}

TEST_P(any_call_fails, T12_T20_T25_once) {
    step_through(lasting::once);
}

TEST_P(any_call_fails, T12_T20_T25_from_there_on) {
    step_through(lasting::from_there_on);
}

INSTANTIATE_TEST_SUITE_P(
    every, any_call_fails,
    testing::Values(scenario{"unnamed", unnamed}, scenario{"unnamed_by_unlinking", unnamed_by_unlinking},
                    scenario{"unnamed_appending", unnamed_appending}, scenario{"named", named},
                    scenario{"named_until_cleanup", named_until_cleanup}, scenario{"named_text", named_text},
                    scenario{"spooled", spooled}, scenario{"directory", directory},
                    scenario{"empty_directory", empty_directory},
                    scenario{"directory_without_kinds", directory_without_kinds},
                    scenario{"removed_tree", removed_tree}, scenario{"removed_tree_large", removed_tree_large},
                    scenario{"plain_handle", plain_handle}, scenario{"bare_directory", bare_directory}),
    [](const auto& of) { return std::string(of.param.name); });

}  // namespace
